#!/usr/bin/env node
/** `npx espalier`: installs what is missing, then hands over to TypeScript. */
import { install } from '../local/install.mjs';

install();
const { register } = await import('tsx/esm/api');
register();
const [noun, verb] = process.argv.slice(2);
if (noun === 'draft' && verb === 'add') await import('./draft.ts');
else if (noun === 'draft' || noun === 'model') await import('../gpu-backend/cli/main.ts');
else await import('./cli.ts');

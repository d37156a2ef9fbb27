#!/usr/bin/env node
/** `npx espalier`: hands over to TypeScript. */
import { register } from 'tsx/esm/api';

register();
const [noun, verb] = process.argv.slice(2);
if (noun === 'draft' && verb === 'add') await import('./draft.ts');
else if (noun === 'draft' || noun === 'model') await import('../gpu-backend/cli/main.ts');
else await import('./cli.ts');

#!/usr/bin/env node
/** `npx espalier`: hands over to TypeScript. */
import { register } from 'tsx/esm/api';

register();
const [noun, verb] = process.argv.slice(2);
const isDraft = noun === 'draft' && verb === 'add';
const isEngine = noun === 'model' || noun === 'draft';
await import(isDraft ? './draft.ts' : isEngine ? '../gpu-backend/cli/main.ts' : './cli.ts');

#!/usr/bin/env node
/** `npx espalier`: hands over to TypeScript. */
import { register } from 'tsx/esm/api';

register();
const engine = ['model', 'draft'].includes(process.argv[2]);
await import(engine ? '../gpu-backend/cli/main.ts' : './cli.ts');

#!/usr/bin/env node
/** `npx espalier`: hands over to TypeScript. */
import { register } from 'tsx/esm/api';

register();
await import(process.argv[2] === 'model' ? '../gpu-backend/cli/main.ts' : './cli.ts');

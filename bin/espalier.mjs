#!/usr/bin/env node
/** `npx espalier`: hands over to TypeScript. */
import { register } from 'tsx/esm/api';

register();
await import('./cli.ts');

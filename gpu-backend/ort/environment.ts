/** ONNX Runtime's environment: one a process, before any session or provider. */
import { type Address, ortLibrary } from './library.ts';

/** Providers warn of nodes that are as they should be, one by one. */
const LOG_ERRORS_ONLY = 3;

let environment: Address | undefined;

export function ortEnvironment(): Address {
  environment ??= ortLibrary().create('CreateEnv', LOG_ERRORS_ONLY, 'espalier');
  return environment;
}

/** ONNX Runtime's environment: one a process, before any session or provider. */
import { type Address, ortLibrary } from './library.ts';

const LOG_WARNINGS = 2;

let environment: Address | undefined;

export function ortEnvironment(): Address {
  environment ??= ortLibrary().create('CreateEnv', LOG_WARNINGS, 'espalier');
  return environment;
}

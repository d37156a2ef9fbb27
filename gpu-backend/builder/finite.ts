/**
 * Weights that are no numbers. Quantising hides them: a block with a NaN in it would
 * become zeros, and the model answer as if it were whole.
 */
import { narrow } from './float16.ts';
import { UnsupportedModelError } from './unsupported.ts';

const FLOAT16_INFINITE = 0x7c00;

/** The values. Throws an Error where one is not finite; `what` names the tensor. */
export function requireFinite(values: Float32Array, what: string): Float32Array {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return values;
  throw new Error(`${what} holds ${values[at]}, which is no weight: the file is damaged`);
}

/** In float16. Throws UnsupportedModelError where a finite value would not be. */
export function narrowFinite(values: Float32Array, what: string): Uint16Array {
  const narrowed = narrow(values);
  const at = narrowed.findIndex((bits) => (bits & FLOAT16_INFINITE) === FLOAT16_INFINITE);
  if (at < 0) return narrowed;
  throw new UnsupportedModelError(`${what} in float16: it holds ${values[at]}`, 'float32');
}

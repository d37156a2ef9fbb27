/**
 * Natural logarithm and exponential from tables, to a relative error below
 * 1/1000: estimates of probability are not nearly as exact. The mixer takes a
 * few hundred of each at every draft, which is where half of its time went.
 */

const LOG_BITS = 11;
const LOG_SHIFT = 23 - LOG_BITS;
const LOG_MASK = (1 << LOG_BITS) - 1;
/** Logarithm of the middle of each slice of the mantissa's [1, 2). */
const MANTISSA_LOGS = Float64Array.from({ length: LOG_MASK + 1 }, (_, i) =>
  Math.log1p((i + 0.5) / (LOG_MASK + 1)),
);

const EXP_STEPS = 1024;
/** Below this, e^x is 0 here. */
const EXP_MIN = -40;
/** e to minus i steps, and to minus i whole numbers. */
const STEP_EXPS = Float64Array.from({ length: EXP_STEPS }, (_, i) =>
  Math.exp(-(i + 0.5) / EXP_STEPS),
);
const WHOLE_EXPS = Float64Array.from({ length: -EXP_MIN + 1 }, (_, i) => Math.exp(-i));

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** ln x for x within [1e-37, 1e38], to 0.0003 absolute. */
export function fastLog(x: number): number {
  float[0] = x;
  const b = bits[0]!;
  return ((b >> 23) - 127) * Math.LN2 + MANTISSA_LOGS[(b >> LOG_SHIFT) & LOG_MASK]!;
}

/** e^x for x ≤ 0, to 0.0005 relative; 0 below −40. */
export function fastExp(x: number): number {
  if (x <= EXP_MIN) return 0;
  const steps = (-x * EXP_STEPS) | 0;
  return WHOLE_EXPS[steps >> 10]! * STEP_EXPS[steps & (EXP_STEPS - 1)]!;
}

/** The scale and zero point of one block, and its levels. */

const MOST_4 = 15;
const ZERO_8 = 128;
const MOST_8 = 127;
/**
 * Steps that are tried, as shares of the one that spans the block: leaving its
 * ends out can bring the rest closer.
 */
const SPANS = [1, 0.93, 0.86, 0.79];
/** From levels to the scale that fits them best, and back. */
const ROUNDS = 2;

export interface BlockFit {
  scale: number;
  zero: number;
}

/** Fills `levels`, which after the end of `values` are the zero point. */
export function fitBlock(
  form: 'blocks4' | 'blocks8',
  values: Float32Array,
  levels: Uint8Array,
): BlockFit {
  return form === 'blocks4' ? fit4(values, levels) : fit8(values, levels);
}

function fit8(values: Float32Array, levels: Uint8Array): BlockFit {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const scale = largest / MOST_8;
  levels.fill(ZERO_8);
  if (scale > 0) {
    for (let i = 0; i < values.length; i++) levels[i] = Math.round(values[i]! / scale) + ZERO_8;
  }
  return { scale, zero: ZERO_8 };
}

/** Least squares: for each span, alternately the nearest levels and the scale that fits them. */
function fit4(values: Float32Array, levels: Uint8Array): BlockFit {
  let lowest = 0;
  let highest = 0;
  for (const value of values) {
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  let best: BlockFit = { scale: 0, zero: 0 };
  let least = Number.POSITIVE_INFINITY;
  for (const span of SPANS) {
    let scale = ((highest - lowest) / MOST_4) * span;
    const zero = Math.min(MOST_4, Math.max(0, Math.round((-lowest * span) / scale)));
    for (let round = 0; scale > 0 && round <= ROUNDS; round++) {
      const { error, fitted } = measure(values, scale, zero);
      if (error < least) {
        least = error;
        best = { scale, zero };
      }
      scale = fitted;
    }
  }
  levels.fill(best.zero);
  if (best.scale > 0) {
    for (let i = 0; i < values.length; i++) levels[i] = level(values[i]!, best.scale, best.zero);
  }
  return best;
}

function level(value: number, scale: number, zero: number): number {
  return Math.min(MOST_4, Math.max(0, Math.round(value / scale) + zero));
}

/** The squared error with this scale, and the scale that is best for the levels it gives. */
function measure(values: Float32Array, scale: number, zero: number) {
  let error = 0;
  let products = 0;
  let squares = 0;
  for (const value of values) {
    const steps = level(value, scale, zero) - zero;
    error += (value - steps * scale) ** 2;
    products += value * steps;
    squares += steps * steps;
  }
  return { error, fitted: squares > 0 ? products / squares : 0 };
}

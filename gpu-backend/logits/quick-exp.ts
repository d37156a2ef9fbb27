/**
 * e^x for sums over a whole vocabulary, where `Math.exp` takes most of a draw by top-p: a
 * table for the steps of x, and a polynomial between them.
 */

/** Entries for 1 in x. */
const STEPS = 16;
/** Behind it e^x is below 10^-27: no sum over a vocabulary notices. */
const LEAST = -64;

const ENTRIES = Float64Array.from({ length: -LEAST * STEPS + 1 }, (_, i) => Math.exp(-i / STEPS));

/** e^x for x ≤ 0, to 10^-8 of itself; 0 far below. */
export function quickExp(x: number): number {
  // Not for NaN either.
  if (!(x >= LEAST)) return 0;
  const at = (-x * STEPS) | 0;
  const rest = x + at / STEPS;
  // Of degree 4: the next term is rest^5 / 120 < 10^-8.
  return ENTRIES[at]! * (1 + rest * (1 + rest * (1 / 2 + rest * (1 / 6 + rest * (1 / 24)))));
}

/**
 * Rules for drafts that were drawn at random. Where drafts come from a distribution q
 * that is known, a rule may accept one that the target would not have drawn itself,
 * as long as what is committed follows the target's distribution p.
 *
 * Each rule is a function from p and what was drawn to a `Trial`: with which
 * probability each draft is taken, and what the token is drawn from where none is.
 * So a rule's law can be enumerated exactly, and one loop carries all of them out.
 * They keep the distribution and not the draw: the same seed may say something else.
 */

/** Drafts after one place, in the order in which they were drawn. */
export interface Drawn {
  readonly tokens: ArrayLike<number>;
  /** By token, sums to 1: what the first of them was drawn from. */
  readonly q: Float64Array;
}

export interface Trial {
  /** Probability with which draft i is taken where those before it were rejected. */
  readonly accept: Float64Array;
  /** By token, sums to 1: what the token is drawn from where all were rejected. */
  readonly residual: Float64Array;
}

/** @param p the target's distribution by token, sums to 1 */
export type AcceptLaw = (p: Float64Array, drawn: Drawn) => Trial;

/** Index of the draft that is taken, or -1 for a draw from the residual. `uniform(i)`: independent numbers in (0, 1). */
export function settle({ accept }: Trial, uniform: (draft: number) => number): number {
  for (let i = 0; i < accept.length; i++) if (uniform(i) < accept[i]!) return i;
  return -1;
}

/** Law of the committed token, given the drafts. Sums to 1. */
export function lawOf(trial: Trial, { tokens }: Drawn): Float64Array {
  const law = trial.residual.slice();
  let rejected = 1;
  for (let i = 0; i < trial.accept.length; i++) rejected *= 1 - trial.accept[i]!;
  for (let x = 0; x < law.length; x++) law[x]! *= rejected;
  let reached = 1;
  for (let i = 0; i < trial.accept.length; i++) {
    law[tokens[i]!]! += reached * trial.accept[i]!;
    reached *= 1 - trial.accept[i]!;
  }
  return law;
}

/** Divides by the sum, in place. Where nothing is left, which is rounding, it becomes `fallback`. */
export function normalise(weights: Float64Array, fallback: Float64Array): Float64Array {
  let sum = 0;
  for (const weight of weights) sum += weight;
  if (!(sum > 0)) weights.set(fallback);
  else for (let x = 0; x < weights.length; x++) weights[x]! /= sum;
  return weights;
}

/** norm(max(p − q, 0)): what of p is left to whoever rejected a draft from q. */
export function residualOf(p: Float64Array, q: Float64Array): Float64Array {
  return normalise(
    p.map((px, x) => Math.max(0, px - q[x]!)),
    p,
  );
}

/** Probability of taking a draft `x` from q for one from p. */
export function ratio(p: Float64Array, q: Float64Array, x: number): number {
  return q[x]! > 0 ? Math.min(1, p[x]! / q[x]!) : 0;
}

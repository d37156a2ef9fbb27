/**
 * SpecTr's K-SEQ (2310.15141): k independent drafts, each taken with min(1, p / (ρ·q)).
 * β(ρ) = Σ min(q, p/ρ) is the probability that one is taken, and ρ in [1, k] solves
 *
 *   1 − (1 − β)^k = ρ·β
 *
 * so that what all drafts together take of a token never exceeds p. The rest of p is
 * the residual: norm(p − min(q, p/ρ) · (1 − (1 − β)^k) / β).
 */
import { type AcceptLaw, normalise, ratio } from './trial.ts';

/** Halvings of [1, k]: beyond a double's precision. */
const BISECTIONS = 60;

/** The tokens that q can draw, a few of the vocabulary: the others add nothing to β. O(V). */
function supportOf(q: Float64Array): number[] {
  const support: number[] = [];
  for (let x = 0; x < q.length; x++) if (q[x]! > 0) support.push(x);
  return support;
}

/** β(ρ). O(support). */
function taken(p: Float64Array, q: Float64Array, support: readonly number[], rho: number): number {
  let beta = 0;
  for (const x of support) beta += Math.min(q[x]!, p[x]! / rho);
  return beta;
}

/**
 * The factor ρ for `k` drafts. The difference of both sides falls with ρ, so bisection
 * finds it. O(V + `BISECTIONS` · support).
 */
export function rhoOf(
  p: Float64Array,
  q: Float64Array,
  k: number,
  support: readonly number[] = supportOf(q),
): number {
  let low = 1;
  let high = k;
  for (let i = 0; i < BISECTIONS; i++) {
    const rho = (low + high) / 2;
    const beta = taken(p, q, support, rho);
    if (1 - (1 - beta) ** k > rho * beta) low = rho;
    else high = rho;
  }
  // Of the two the one that takes no more of any token than it has.
  return high;
}

export const kSeq: AcceptLaw = (p, { tokens, q }) => {
  const k = tokens.length;
  if (k === 0) return { accept: new Float64Array(0), residual: p };
  const support = supportOf(q);
  const rho = rhoOf(p, q, k, support);
  const beta = taken(p, q, support, rho);
  const share = beta > 0 ? (1 - (1 - beta) ** k) / beta : 0;
  const lowered = p.map((px) => px / rho);
  const accept = Float64Array.from({ length: k }, (_, i) => ratio(lowered, q, tokens[i]!));
  const rest = p.map((px, x) => Math.max(0, px - Math.min(q[x]!, px / rho) * share));
  return { accept, residual: normalise(rest, p) };
};

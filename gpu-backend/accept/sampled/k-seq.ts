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

/** β(ρ). */
function taken(p: Float64Array, q: Float64Array, rho: number): number {
  let beta = 0;
  for (let x = 0; x < p.length; x++) beta += Math.min(q[x]!, p[x]! / rho);
  return beta;
}

/** The factor ρ for `k` drafts. The difference of both sides falls with ρ, so bisection finds it. O(V). */
export function rhoOf(p: Float64Array, q: Float64Array, k: number): number {
  let low = 1;
  let high = k;
  for (let i = 0; i < BISECTIONS; i++) {
    const rho = (low + high) / 2;
    const beta = taken(p, q, rho);
    if (1 - (1 - beta) ** k > rho * beta) low = rho;
    else high = rho;
  }
  // Of the two the one that takes no more of any token than it has.
  return high;
}

export const kSeq: AcceptLaw = (p, { tokens, q }) => {
  const k = tokens.length;
  if (k === 0) return { accept: new Float64Array(0), residual: p };
  const rho = rhoOf(p, q, k);
  const beta = taken(p, q, rho);
  const share = beta > 0 ? (1 - (1 - beta) ** k) / beta : 0;
  const lowered = p.map((px) => px / rho);
  const accept = Float64Array.from({ length: k }, (_, i) => ratio(lowered, q, tokens[i]!));
  const rest = p.map((px, x) => Math.max(0, px - Math.min(q[x]!, px / rho) * share));
  return { accept, residual: normalise(rest, p) };
};

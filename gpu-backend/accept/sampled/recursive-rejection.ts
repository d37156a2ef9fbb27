/**
 * SpecInfer's multi-step rejection (2305.09781): drafts are drawn independently, with
 * replacement. Each is tried against what its predecessors left of the target:
 *
 *   take c with min(1, P(c) / q(c)), else P ← norm(max(P − q, 0))
 */
import { type AcceptLaw, ratio, residualOf } from './trial.ts';

/** O(drafts · V). */
export const recursiveRejection: AcceptLaw = (p, { tokens, q }) => {
  const accept = new Float64Array(tokens.length);
  let left = p;
  for (let i = 0; i < tokens.length; i++) {
    accept[i] = ratio(left, q, tokens[i]!);
    left = residualOf(left, q);
  }
  return { accept, residual: left };
};

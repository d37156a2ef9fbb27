/**
 * The greedy multi-draft of "Towards Optimal Multi-draft Speculative Decoding"
 * (2502.18779): all drafts but the last are the likeliest tokens of q, the last is drawn
 * from q' = norm(q outside of them). The last is tried first:
 *
 *   take c with min(1, p(c) / q'(c)), else draw norm(p on Top, max(p − q', 0) outside)
 *
 * A draw that hits Top is an accepted draft as well, so together they accept
 * p(Top) + Σ min(p, q') over the others.
 */
import { type AcceptLaw, normalise, ratio, residualOf } from './trial.ts';

/** `tokens`: Top in any order, then the one that was drawn. O(V). */
export const greedyDraft: AcceptLaw = (p, { tokens, q }) => {
  const accept = new Float64Array(tokens.length);
  const last = tokens.length - 1;
  if (last < 0) return { accept, residual: p };
  const outside = q.slice();
  for (let i = 0; i < last; i++) outside[tokens[i]!] = 0;
  normalise(outside, q);
  accept[last] = ratio(p, outside, tokens[last]!);
  return { accept, residual: residualOf(p, outside) };
};

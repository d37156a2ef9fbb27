/**
 * Recursive speculative decoding (RSD, 2402.14160; Sequoia tries its drafts alike):
 * drafts are drawn without replacement, so a later one can't repeat a rejected token.
 * Each is tried as in `recursive-rejection`, against the q that it was drawn from:
 *
 *   take c with min(1, P(c) / Q(c)), else P ← norm(max(P − Q, 0)), Q(c) ← 0, Q ← norm(Q)
 */
import { type AcceptLaw, normalise, ratio, residualOf } from './trial.ts';

/** O(drafts · V). */
export const withoutReplacement: AcceptLaw = (p, { tokens, q }) => {
  const accept = new Float64Array(tokens.length);
  const from = q.slice();
  let left = p;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    accept[i] = ratio(left, from, token);
    left = residualOf(left, from);
    from[token] = 0;
    normalise(from, from);
  }
  return { accept, residual: left };
};

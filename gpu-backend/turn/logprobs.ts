/** The log-probabilities of a step, where the turn asks for them. */
import { LEAST_LOGPROB, type Logprobs } from '../../src/link/protocol/index.ts';
import type { Walk } from '../accept/walk.ts';
import type { StepRow } from '../engine/engine.ts';
import { logNormalizer, topTokens } from '../logits/top-tokens.ts';

/** Of the tokens that `walk` commits, with `top` alternatives each. O(V) exponentials a committed token. */
export function logprobsOf(row: StepRow, walk: Walk, vocabSize: number, top: number): Logprobs {
  const { count } = walk;
  const logprobs: Logprobs = {
    top,
    committed: new Float32Array(count),
    topIds: new Int32Array(count * top),
    topLogprobs: new Float32Array(count * top),
  };
  for (let i = 0; i < count; i++) {
    const at = walk.path[i]! * vocabSize;
    const logits = row.logits.subarray(at, at + vocabSize);
    const normalizer = logNormalizer(logits);
    // Rounding may lift a certain token above 0.
    const logprob = (id: number) => Math.max(LEAST_LOGPROB, Math.min(0, logits[id]! - normalizer));
    logprobs.committed[i] = logprob(walk.tokens[i]!);
    const ids = logprobs.topIds.subarray(i * top, (i + 1) * top);
    if (top > 0) topTokens(logits, ids);
    ids.forEach((id, k) => {
      logprobs.topLogprobs[i * top + k] = logprob(id);
    });
  }
  return logprobs;
}

/** What a step reports to the worker of the target's distributions, where the turn asks for it. */
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import {
  LEAST_LOGPROB,
  type Logprobs,
  latestOfEach,
  RECYCLED_SUCCESSORS,
  type Recycled,
} from '../../src/link/protocol/index.ts';
import type { Walk } from '../accept/walk.ts';
import type { StepRow } from '../engine/engine.ts';
import { logNormalizer, topTokens } from '../engine/top-tokens.ts';

/**
 * Successors of every row that the step verified, in the tree's breadth-first
 * order: of a token at several places the deepest is kept. `row.top` must have
 * been `RECYCLED_SUCCESSORS`.
 */
export function recycledOf(row: StepRow, tree: TokenTree): Recycled {
  const depth = (at: number) => (at === 0 ? 0 : tree.depths[at - 1]!);
  const rows = Array.from({ length: row.count }, (_, at) => at);
  rows.sort((a, b) => depth(a) - depth(b) || a - b);
  const successors = new Int32Array(rows.length * RECYCLED_SUCCESSORS);
  rows.forEach((at, i) => {
    const ids = row.topIds!.subarray(at * RECYCLED_SUCCESSORS, (at + 1) * RECYCLED_SUCCESSORS);
    successors.set(ids, i * RECYCLED_SUCCESSORS);
  });
  return latestOfEach(
    Int32Array.from(rows, (at) => row.tokens[at]!),
    successors,
  );
}

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

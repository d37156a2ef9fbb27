/** What is reported of a step's logits on request: the most likely tokens, and what makes logits probabilities. */
import type { StepRow } from './engine.ts';

/** Fills in what `row` asks for, from its logits. Its array is reused while it is long enough. */
export function summarize(row: StepRow, vocabSize: number): void {
  const { top } = row;
  if (!top) return;
  const rows = row.count - row.logitsFrom;
  if (!(row.topIds && row.topIds.length >= rows * top)) row.topIds = new Int32Array(rows * top);
  for (let i = 0; i < rows; i++) {
    const logits = row.logits.subarray(i * vocabSize, (i + 1) * vocabSize);
    topTokens(logits, row.topIds.subarray(i * top, (i + 1) * top));
  }
}

/**
 * Fills `ids` with the tokens of the largest logits, largest first, ties by id;
 * there must be as many. O(V) for logits in random order, as few of them enter
 * the list; O(V · ids.length) for ascending ones.
 */
export function topTokens(logits: Float32Array, ids: Int32Array): void {
  let count = 0;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (count < ids.length) count++;
    else if (logit <= logits[ids[count - 1]!]!) continue;
    let at = count - 1;
    for (; at > 0 && logits[ids[at - 1]!]! < logit; at--) ids[at] = ids[at - 1]!;
    ids[at] = id;
  }
}

/** log Σ exp, from the largest down so that nothing overflows. */
export function logNormalizer(logits: Float32Array): number {
  let max = -Infinity;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > max) max = logits[id]!;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id]! - max);
  return max + Math.log(sum);
}

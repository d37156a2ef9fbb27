/** The most likely tokens of a row of logits, and what makes logits probabilities. */
import { nextFrom } from './largest.ts';

/**
 * Fills `ids` with the tokens of the largest logits, largest first, ties by id;
 * there must be as many. O(V) for logits in random order, as few of them enter
 * the list; O(V · ids.length) for ascending ones. With peaks O(V / block).
 */
export function topTokens(logits: Float32Array, ids: Int32Array, peaks?: Float32Array): void {
  const most = ids.length;
  if (most === 0) return;
  let least = -Infinity;
  if (peaks && peaks.length >= most) {
    topTokens(peaks, ids);
    // So many logits at least are no smaller: the largest peaks themselves.
    least = peaks[ids[most - 1]!]!;
  }
  let filled = 0;
  for (let id = nextFrom(logits, 0, least, peaks); id >= 0; ) {
    if (filled < most) insert(logits, ids, id, filled++);
    else if (logits[id]! > least) insert(logits, ids, id, most - 1);
    if (filled === most) least = logits[ids[most - 1]!]!;
    id = nextFrom(logits, id + 1, least, peaks);
  }
}

/** Inserts `id` into the sorted `ids[0..last]`, whose last is lost. */
function insert(logits: Float32Array, ids: Int32Array, id: number, last: number): void {
  const logit = logits[id]!;
  let at = last;
  for (; at > 0 && logits[ids[at - 1]!]! < logit; at--) ids[at] = ids[at - 1]!;
  ids[at] = id;
}

/** log Σ exp, from the largest down so that nothing overflows. */
export function logNormalizer(logits: Float32Array): number {
  let max = -Infinity;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > max) max = logits[id]!;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id]! - max);
  return max + Math.log(sum);
}

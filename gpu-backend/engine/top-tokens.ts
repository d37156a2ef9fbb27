/** What is reported of a step's logits on request: the most likely tokens, and what makes logits probabilities. */
import type { StepRow } from './engine.ts';

/** Fills in what `row` asks for, from its logits. */
export function summarize(row: StepRow, vocabSize: number): void {
  const { top } = row;
  if (!top) return;
  const ids = roomFor(row, top);
  for (let i = 0; i < row.count - row.logitsFrom; i++) {
    row.load?.(i);
    const logits = row.logits.subarray(i * vocabSize, (i + 1) * vocabSize);
    topTokens(logits, ids.subarray(i * top, (i + 1) * top));
  }
}

/**
 * The same from what the graph found, `width` ids a row; not for a row that asks for more.
 * @param words ids of 64 bits, low half first
 */
export function takeTop(row: StepRow, words: Int32Array, width: number): void {
  const { top } = row;
  if (!top || top > width) return;
  const ids = roomFor(row, top);
  for (let i = 0; i < row.count - row.logitsFrom; i++) {
    for (let k = 0; k < top; k++) ids[i * top + k] = words[2 * (i * width + k)]!;
  }
}

/** The row's array is used again while it is long enough. */
function roomFor(row: StepRow, top: number): Int32Array {
  const wanted = (row.count - row.logitsFrom) * top;
  if (!(row.topIds && row.topIds.length >= wanted)) row.topIds = new Int32Array(wanted);
  return row.topIds;
}

/**
 * Fills `ids` with the tokens of the largest logits, largest first, ties by id;
 * there must be as many. O(V) for logits in random order, as few of them enter
 * the list; O(V · ids.length) for ascending ones.
 */
export function topTokens(logits: Float32Array, ids: Int32Array): void {
  const most = ids.length;
  if (most === 0) return;
  for (let id = 0; id < most; id++) insert(logits, ids, id, id);
  let least = logits[ids[most - 1]!]!;
  let id = most;
  // Most blocks contain nothing that enters. One condition over eight comparisons takes half the time of eight branches.
  for (; id + 8 <= logits.length; id += 8) {
    if (
      logits[id]! <= least &&
      logits[id + 1]! <= least &&
      logits[id + 2]! <= least &&
      logits[id + 3]! <= least &&
      logits[id + 4]! <= least &&
      logits[id + 5]! <= least &&
      logits[id + 6]! <= least &&
      logits[id + 7]! <= least
    ) {
      continue;
    }
    for (let next = id; next < id + 8; next++) {
      if (logits[next]! > least) least = insert(logits, ids, next, most - 1);
    }
  }
  for (; id < logits.length; id++) {
    if (logits[id]! > least) least = insert(logits, ids, id, most - 1);
  }
}

/** Inserts `id` into the sorted `ids[0..last]`; returns the smallest logit kept. */
function insert(logits: Float32Array, ids: Int32Array, id: number, last: number): number {
  const logit = logits[id]!;
  let at = last;
  for (; at > 0 && logits[ids[at - 1]!]! < logit; at--) ids[at] = ids[at - 1]!;
  ids[at] = id;
  return logits[ids[last]!]!;
}

/** log Σ exp, from the largest down so that nothing overflows. */
export function logNormalizer(logits: Float32Array): number {
  let max = -Infinity;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > max) max = logits[id]!;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id]! - max);
  return max + Math.log(sum);
}

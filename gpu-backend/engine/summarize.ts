/** What is reported of a step's logits on request: the most likely tokens. */
import { topTokens } from '../logits/top-tokens.ts';
import type { StepRow } from './engine.ts';

/** Fills in what `row` asks for, from its logits. */
export function summarize(row: StepRow, vocabSize: number): void {
  const { top } = row;
  if (!top) return;
  const ids = roomFor(row, top);
  for (let i = 0; i < row.count - row.logitsFrom; i++) {
    row.load?.(i);
    const logits = row.logits.subarray(i * vocabSize, (i + 1) * vocabSize);
    topTokens(logits, ids.subarray(i * top, (i + 1) * top), peaksAt(row, i));
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

/** The peaks of row `at` of those whose logits are wanted, where the step gave them. */
export function peaksAt(
  { peaks, count, logitsFrom }: StepRow,
  at: number,
): Float32Array | undefined {
  const blocks = peaks ? peaks.length / (count - logitsFrom) : 0;
  return peaks?.subarray(at * blocks, (at + 1) * blocks);
}

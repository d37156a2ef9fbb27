/** What each row of a tree may attend to, and where in the text it is. */
import type { Slot, StepRow } from './engine.ts';

/**
 * Fills the additive mask [count - from, width] of one session's rows, those
 * before `from` left out, from `offset` on: the `length` committed tokens, the row's
 * ancestors and itself are visible, the rest is `masked`. Row i's keys are at column
 * length + i. O((count - from) · (width + depth)).
 */
export function fillTreeMask(
  mask: Float32Array | Uint16Array,
  offset: number,
  parents: ArrayLike<number>,
  count: number,
  length: number,
  width: number,
  masked: number,
  from = 0,
): void {
  for (let row = from; row < count; row++) {
    const start = offset + (row - from) * width;
    mask.fill(0, start, start + length);
    mask.fill(masked, start + length, start + width);
    for (let node = row; node >= 0; node = parents[node]!) mask[start + length + node] = 0;
  }
}

/** Depth of each row below the committed context: 0 for rows whose parent is -1. */
export function fillDepths(depths: Int32Array, parents: ArrayLike<number>, count: number): void {
  for (let row = 0; row < count; row++) {
    const parent = parents[row]!;
    depths[row] = parent < 0 ? 0 : depths[parent]! + 1;
  }
}

/** Rows of `slot` whose logits are computed and nobody reads: what a run takes is all that counts. */
export function unreadChain(slot: Slot, count: number): StepRow {
  const tokens = new Int32Array(count);
  const parents = Int16Array.from(tokens, (_, i) => i - 1);
  const logits = new Float32Array(0);
  return { slot, count, tokens, parents, logitsFrom: 0, logits, selective: true };
}

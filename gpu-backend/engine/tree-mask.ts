/** What each row of a tree may attend to, and where in the text it stands. */
import { MASKED } from '../builder/decoder.ts';

/**
 * Fills the additive mask [count, width] of one session's rows: the `length`
 * committed tokens, the row's ancestors and itself are visible (0), the rest is
 * masked. Row i's keys stand at column length + i. O(count · (width + depth)).
 */
export function fillTreeMask(
  mask: Float32Array,
  parents: ArrayLike<number>,
  count: number,
  length: number,
  width: number,
): void {
  for (let row = 0; row < count; row++) {
    const start = row * width;
    mask.fill(0, start, start + length);
    mask.fill(MASKED, start + length, start + width);
    for (let node = row; node >= 0; node = parents[node]!) mask[start + length + node] = 0;
  }
}

/** Absolute position of each row: its depth in the tree after the `length` committed tokens. */
export function fillTreePositions(
  positions: Int32Array,
  parents: ArrayLike<number>,
  count: number,
  length: number,
): void {
  for (let row = 0; row < count; row++) {
    const parent = parents[row]!;
    positions[row] = parent < 0 ? length : positions[parent]! + 1;
  }
}

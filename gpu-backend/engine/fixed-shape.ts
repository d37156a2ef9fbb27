/**
 * Lanes of few different shapes: rows and widths in powers of two. A captured CUDA graph has one
 * shape, so the fewer there are, the sooner a step is a replay; and rows of one bucket are
 * computed by the same kernels. Padding is masked, like that of any lane.
 */
import { fedRows, type Lane, paddedWidth } from './lane.ts';
import { MAX_SHARED_ROWS } from './shared-lanes.ts';

/** Rows of a cache that are read at least. */
const LEAST_WIDTH = 128;

/** What a lane of `rows` rows is padded to; a prompt's chunk is left as it is. */
export function rowsInBucket(rows: number): number {
  return rows > MAX_SHARED_ROWS ? rows : 2 ** Math.ceil(Math.log2(rows));
}

/** @param stride of the pool, which is no power of two */
export function widthInBucket(width: number, stride: number): number {
  return Math.min(stride, Math.max(LEAST_WIDTH, 2 ** Math.ceil(Math.log2(width))));
}

/** Slots and rows of lanes, each slot's. */
type Sizes = readonly { slots: number; rows: number }[];

/** Whether padded rows would bring a step over what a device multiplies as it lies, where its own rows do not. */
export function overflowsPadded(sizes: Sizes, packedRows: number): boolean {
  let [own, padded] = [0, 0];
  for (const { slots, rows } of sizes) {
    own += slots * rows;
    padded += slots * rowsInBucket(rows);
  }
  return own <= packedRows && padded > packedRows;
}

export function ofFixedShapes(lanes: readonly Lane[], packedRows: number): Lane[] {
  const sizes = lanes.map(({ slots, rows }) => ({ slots: slots.length, rows }));
  const padded = !overflowsPadded(sizes, packedRows);
  return lanes.map((lane) => ofFixedShape(lane, padded ? rowsInBucket(lane.rows) : lane.rows));
}

function ofFixedShape(lane: Lane, rows: number): Lane {
  if (lane.rows > MAX_SHARED_ROWS) return lane;
  if (lane.slots.length > 1) return { ...lane, rows };
  const [{ slot, row }] = lane.slots as [Lane['slots'][number]];
  const width = paddedWidth(slot.length + (row?.kept ?? 0), rows);
  return { ...lane, rows, width: widthInBucket(width, lane.pool.stride) };
}

/** Whether the lanes are a step's, of which each row's logits are wanted, and not a prompt's. */
export function areDecoding(lanes: readonly Lane[]): boolean {
  return lanes.every(
    ({ rows, slots }) =>
      rows <= MAX_SHARED_ROWS &&
      slots.every(({ row }) => row === null || row.count - row.logitsFrom === fedRows(row)),
  );
}

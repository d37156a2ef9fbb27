/** The parts of one run: which slots go through the graph together, and how long their tensors are. */
import type { AttentionForm } from '../builder/attention-kernel.ts';
import type { DecoderConfig } from '../builder/config.ts';
import type { Device } from '../ort/tensor.ts';
import type { StepRow } from './engine.ts';
import type { KvPool } from './kv-pool.ts';
import type { KvSlot } from './slots.ts';

/** A slot in a lane, with what its session feeds; `row` is null where it only lies in between. */
export interface LaneSlot {
  slot: KvSlot;
  row: StepRow | null;
}

/** A session's part of a step. */
export interface Member extends LaneSlot {
  row: StepRow;
}

/** Neighbouring slots of one pool, each with as many rows. */
export interface Lane {
  pool: KvPool;
  first: number;
  slots: readonly LaneSlot[];
  /** Rows of each slot; one that feeds fewer is padded. */
  rows: number;
  /** Rows of each cache that attention reads. */
  width: number;
}

/** Widths are rounded up to this: few different shapes, aligned masks. */
export const WIDTH_STEP = 32;

/**
 * Rows that a lane has at least. A row's result must be the same bits whatever is
 * beside it, and ONNX Runtime multiplies a single row by another routine, which
 * rounds differently, unless the matrix is constant. So a single row goes alone only
 * where attention makes several of it, one for each query head of a key head, and
 * where the check at the first start finds that constant matrices keep to the rule.
 */
export type LeastRows = 1 | 2;

/** Rows that a session's part of a step feeds. */
export function fedRows({ count, kept = 0 }: StepRow): number {
  return count - kept;
}

export function leastRowsOf(
  form: AttentionForm,
  { heads, kvHeads }: DecoderConfig,
  device: Device['name'],
): LeastRows {
  // On a GPU results are equal to rounding only, and fewer rows have quicker kernels.
  if (form === 'grouped' || device === 'cuda') return 1;
  return form === 'exact' && heads > kvHeads ? 1 : 2;
}

/** Rows of the cache that a lane of `rows` reads after `length` committed tokens. */
export function paddedWidth(length: number, rows: number): number {
  return Math.ceil((length + rows) / WIDTH_STEP) * WIDTH_STEP;
}

/** One session's own lane, as long as its context needs. */
export function ownLane(member: Member, least: LeastRows): Lane {
  const { slot, row } = member;
  const rows = Math.max(least, fedRows(row));
  const width = paddedWidth(slot.length + (row.kept ?? 0), rows);
  return { pool: slot.pool, first: slot.index, slots: [member], rows, width };
}

/** Rows that ONNX Runtime's products with blocks take at a time; a row that is left over goes alone. */
const ROWS_AT_A_TIME = 128;

/**
 * The lanes of a run, one of them padded by a row where a single row would be left over that
 * must not go alone. Lanes of several slots are not padded: on a CPU, where that counts, only tests have them.
 */
export function withoutLeftOver(lanes: readonly Lane[], least: LeastRows): readonly Lane[] {
  if (least === 1) return lanes;
  const rows = lanes.reduce((sum, lane) => sum + lane.rows * lane.slots.length, 0);
  if (rows % ROWS_AT_A_TIME !== 1) return lanes;
  const own = lanes.findIndex(({ slots }) => slots.length === 1);
  return lanes.map((lane, i) => (i === own ? withRow(lane) : lane));
}

function withRow(lane: Lane): Lane {
  const { slot, row } = lane.slots[0]!;
  const rows = lane.rows + 1;
  return { ...lane, rows, width: paddedWidth(slot.length + (row?.kept ?? 0), rows) };
}

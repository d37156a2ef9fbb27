/** The parts of one run: which slots go through the graph together, and how long their tensors are. */
import type { AttentionForm } from '../builder/attention-kernel.ts';
import type { DecoderConfig } from '../builder/config.ts';
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

export function leastRowsOf(form: AttentionForm, { heads, kvHeads }: DecoderConfig): LeastRows {
  // On WebGPU results are equal to rounding only, and a single row has quicker kernels.
  if (form === 'grouped') return 1;
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

/** Rows up to which sessions share a lane; padding short ones to longer trees would cost more. */
export const MAX_SHARED_ROWS = 64;

/**
 * Lanes for a device where launching an operator costs more than padding: the
 * small trees of each pool share one lane over whole slots, larger row sets
 * (prefill chunks) get their own. `all` are the engine's slots.
 */
export function sharedLanes(
  members: readonly Member[],
  all: readonly KvSlot[],
  least: LeastRows,
): Lane[] {
  const small = members.filter(({ row }) => fedRows(row) <= MAX_SHARED_ROWS);
  const pools = new Set(small.map(({ slot }) => slot.pool));
  return [
    ...[...pools].map((pool) => poolLane(pool, small, all, least)),
    ...members
      .filter(({ row }) => fedRows(row) > MAX_SHARED_ROWS)
      .map((member) => ownLane(member, least)),
  ];
}

function poolLane(
  pool: KvPool,
  members: readonly Member[],
  all: readonly KvSlot[],
  least: LeastRows,
): Lane {
  const own = members.filter(({ slot }) => slot.pool === pool);
  if (own.length === 1) return ownLane(own[0]!, least);
  const indices = own.map(({ slot }) => slot.index);
  const first = Math.min(...indices);
  const last = Math.max(...indices);
  const rowOf = new Map(own.map(({ slot, row }) => [slot, row]));
  const slots = all
    .filter((slot) => slot.pool === pool && slot.index >= first && slot.index <= last)
    .map((slot) => ({ slot, row: rowOf.get(slot) ?? null }));
  const rows = Math.max(least, ...own.map(({ row }) => fedRows(row)));
  return { pool, first, slots, rows, width: pool.stride };
}

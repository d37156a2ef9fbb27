/**
 * Lanes for a device where launching an operator costs more than padding: the small trees of each
 * pool share one lane over whole slots, larger row sets (prefill chunks) have their own.
 */
import type { KvPool } from './kv-pool.ts';
import { fedRows, type Lane, type LeastRows, type Member, ownLane } from './lane.ts';
import type { KvSlot } from './slots.ts';

/** Rows up to which sessions share a lane; padding short ones to longer trees would cost more. */
export const MAX_SHARED_ROWS = 64;

/**
 * Rows up to which ONNX Runtime's CUDA provider multiplies blocks as they lie. For more it unpacks
 * the whole matrix first; `npm run check:cuda` sees which kernels run.
 */
const PACKED_ROWS = { blocks4: 16, blocks8: 5 } as const;

/** For matrices of these forms; none where nothing depends on rows. */
export function packedRowsOf(forms: Iterable<string>): number {
  const found = new Set(forms);
  if (found.has('blocks8')) return PACKED_ROWS.blocks8;
  return found.has('blocks4') ? PACKED_ROWS.blocks4 : Number.POSITIVE_INFINITY;
}

export interface Sharing {
  least: LeastRows;
  /** Lanes of one run, at most. */
  mostLanes: number;
  /** Rows up to which matrices are multiplied as they lie. */
  packedRows: number;
}

/** A session of a step, with the rows that it feeds. */
export interface Sharer {
  slot: KvSlot;
  rows: number;
}

/** A lane's slots, from its first session's to its last's. */
export interface Span {
  first: KvSlot;
  last: KvSlot;
  /** Of each slot: the most of one of its sessions. */
  rows: number;
}

/** `all` are the engine's slots. */
export function sharedLanes(
  members: readonly Member[],
  all: readonly KvSlot[],
  sharing: Sharing,
): Lane[] {
  const byIndex = [...members].sort((a, b) => a.slot.index - b.slot.index);
  const small = byIndex.filter(({ row }) => fedRows(row) <= MAX_SHARED_ROWS);
  const large = members.filter(({ row }) => fedRows(row) > MAX_SHARED_ROWS);
  const sharers = small.map(({ slot, row }) => ({ slot, rows: fedRows(row) }));
  const rowOf = new Map(small.map(({ slot, row }) => [slot, row]));
  return [
    ...spansOf(sharers, { ...sharing, mostLanes: sharing.mostLanes - large.length }).map(
      ({ first, last, rows }) => {
        if (first === last) return ownLane({ slot: first, row: rowOf.get(first)! }, sharing.least);
        const { pool } = first;
        const slots = all
          .filter(
            (slot) => slot.pool === pool && first.index <= slot.index && slot.index <= last.index,
          )
          .map((slot) => ({ slot, row: rowOf.get(slot) ?? null }));
        return { pool, first: first.index, slots, rows, width: pool.stride };
      },
    ),
    ...large.map((member) => ownLane(member, sharing.least)),
  ];
}

/**
 * One span a pool. Where the idle slots within would bring a step over `packedRows`, a span is cut
 * in two if that helps. `sharers` are in the order of their slots. O(sharers).
 */
export function spansOf(sharers: readonly Sharer[], sharing: Sharing): Span[] {
  const pools = new Map<KvPool, Sharer[]>();
  for (const sharer of sharers) {
    const own = pools.get(sharer.slot.pool);
    if (own) own.push(sharer);
    else pools.set(sharer.slot.pool, [sharer]);
  }
  const groups = [...pools.values()];
  const spans = groups.map((own) => spanOf(own, sharing.least));
  if (spannedRows(spans) <= sharing.packedRows || spans.length >= sharing.mostLanes) return spans;
  for (const [i, own] of groups.entries()) {
    const cut = [...spans.slice(0, i), ...halvesOf(own, sharing.least), ...spans.slice(i + 1)];
    if (spannedRows(cut) <= sharing.packedRows) return cut;
  }
  return spans;
}

function spanOf(own: readonly Sharer[], least: LeastRows): Span {
  const rows = Math.max(least, ...own.map((sharer) => sharer.rows));
  return { first: own[0]!.slot, last: own.at(-1)!.slot, rows };
}

/** The two spans of the fewest rows together that the sharers can be in; one for a single sharer. */
function halvesOf(own: readonly Sharer[], least: LeastRows): Span[] {
  const behind = new Array<number>(own.length).fill(least);
  for (let i = own.length - 1, most: number = least; i >= 0; i--) {
    most = Math.max(most, own[i]!.rows);
    behind[i] = most;
  }
  let best = [spanOf(own, least)];
  let before: number = least;
  for (let at = 1; at < own.length; at++) {
    before = Math.max(before, own[at - 1]!.rows);
    const halves = [
      { first: own[0]!.slot, last: own[at - 1]!.slot, rows: before },
      { first: own[at]!.slot, last: own.at(-1)!.slot, rows: behind[at]! },
    ];
    if (spannedRows(halves) < spannedRows(best)) best = halves;
  }
  return best;
}

function spannedRows(spans: readonly Span[]): number {
  return spans.reduce(
    (sum, { first, last, rows }) => sum + (last.index - first.index + 1) * rows,
    0,
  );
}

/**
 * What a step would take before its rows are known: how its runs grow with every
 * row that a session is given. Each session has one row to begin with.
 */
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import type { RunCosts, RunLoad } from './cost-model.ts';
import type { Slot } from './engine.ts';
import type { KvPool } from './kv-pool.ts';
import { type Lane, MAX_SHARED_ROWS, paddedRows, paddedWidth } from './lane.ts';
import type { KvSlot } from './slots.ts';

/** What lanes that run together compute. */
export function loadOf(lanes: readonly Lane[]): RunLoad {
  const load = { rows: 0, attended: 0, lanes: lanes.length };
  for (const { slots, rows, width } of lanes) {
    load.rows += slots.length * rows;
    load.attended += slots.length * rows * width;
  }
  return load;
}

/** A lane of its own for each session, and runs of at most `lanesOfRun` of them. */
export class OwnLanesPlan implements GrowingStep {
  cost = 0;
  private readonly model: RunCosts;
  private readonly slots: readonly Slot[];
  private readonly lanesOfRun: number;
  private readonly counts: Int32Array;
  private readonly loads: RunLoad[] = [];
  /** Of each run. */
  private readonly costs: number[] = [];

  constructor(model: RunCosts, slots: readonly Slot[], lanesOfRun: number) {
    this.model = model;
    this.slots = slots;
    this.lanesOfRun = lanesOfRun;
    this.counts = new Int32Array(slots.length).fill(1);
    slots.forEach(({ length }, i) => {
      const run = Math.floor(i / lanesOfRun);
      this.loads[run] ??= { rows: 0, attended: 0, lanes: 0 };
      const load = this.loads[run];
      load.lanes++;
      load.rows += paddedRows(1);
      load.attended += attendedIn(length, 1);
    });
    for (const [run, load] of this.loads.entries()) this.costs[run] = model.expected(load);
    this.cost = this.costs.reduce((sum, one) => sum + one, 0);
  }

  add(index: number): void {
    const count = this.counts[index]!++;
    const { length } = this.slots[index]!;
    const run = Math.floor(index / this.lanesOfRun);
    const load = this.loads[run]!;
    load.rows += paddedRows(count + 1) - paddedRows(count);
    load.attended += attendedIn(length, count + 1) - attendedIn(length, count);
    const cost = this.model.expected(load);
    this.cost += cost - this.costs[run]!;
    this.costs[run] = cost;
  }
}

function attendedIn(length: number, count: number): number {
  const rows = paddedRows(count);
  return rows * paddedWidth(length, rows);
}

/** The slots of a pool from the first to the last session's: `sharedLanes` runs them as one lane. */
interface Span {
  first: number;
  last: number;
  members: number;
  /** The most rows of a session. */
  rows: number;
  stride: number;
}

/** One run of lanes that neighbouring slots share. */
export class SharedLanesPlan implements GrowingStep {
  cost = 0;
  private readonly model: RunCosts;
  private readonly slots: readonly KvSlot[];
  private readonly counts: Int32Array;
  private readonly spans = new Map<KvPool, Span>();
  /** Of sessions whose rows are too many to share. */
  private readonly apart: RunLoad = { rows: 0, attended: 0, lanes: 0 };

  constructor(model: RunCosts, slots: readonly KvSlot[]) {
    this.model = model;
    this.slots = slots;
    this.counts = new Int32Array(slots.length).fill(1);
    for (const { pool, index } of slots) {
      const span = this.spans.get(pool);
      this.spans.set(pool, {
        first: Math.min(index, span?.first ?? index),
        last: Math.max(index, span?.last ?? index),
        members: (span?.members ?? 0) + 1,
        rows: 1,
        stride: pool.stride,
      });
    }
    this.measure();
  }

  add(index: number): void {
    const count = ++this.counts[index]!;
    const { pool, length } = this.slots[index]!;
    if (count <= MAX_SHARED_ROWS) {
      const span = this.spans.get(pool)!;
      span.rows = Math.max(span.rows, count);
    } else {
      if (count === MAX_SHARED_ROWS + 1) this.apart.lanes++;
      this.apart.rows += count === MAX_SHARED_ROWS + 1 ? count : 1;
      this.apart.attended +=
        attendedIn(length, count) -
        (count === MAX_SHARED_ROWS + 1 ? 0 : attendedIn(length, count - 1));
    }
    this.measure();
  }

  private measure(): void {
    const load = { ...this.apart };
    for (const { first, last, members, rows, stride } of this.spans.values()) {
      const computed = (members === 1 ? 1 : last - first + 1) * paddedRows(rows);
      load.lanes++;
      load.rows += computed;
      load.attended += computed * stride;
    }
    this.cost = this.model.expected(load);
  }
}

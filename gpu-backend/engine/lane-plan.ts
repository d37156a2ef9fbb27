/**
 * What a step would take before its rows are known: how its runs grow with every
 * row that a session is given. Each session has one row to begin with.
 */
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import type { RunCosts, RunLoad } from './cost-model.ts';
import type { Slot } from './engine.ts';
import type { KvPool } from './kv-pool.ts';
import { type Lane, type LeastRows, MAX_SHARED_ROWS, paddedWidth } from './lane.ts';
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
  private readonly least: LeastRows;
  private readonly counts: Int32Array;
  private readonly loads: RunLoad[] = [];
  /** Of each run. */
  private readonly costs: number[] = [];

  constructor(model: RunCosts, slots: readonly Slot[], lanesOfRun: number, least: LeastRows) {
    this.model = model;
    this.least = least;
    this.slots = slots;
    this.lanesOfRun = lanesOfRun;
    this.counts = new Int32Array(slots.length).fill(1);
    slots.forEach(({ length }, i) => {
      const run = Math.floor(i / lanesOfRun);
      this.loads[run] ??= { rows: 0, attended: 0, lanes: 0 };
      const load = this.loads[run];
      load.lanes++;
      load.rows += least;
      load.attended += this.attendedIn(length, 1);
    });
    for (const [run, load] of this.loads.entries()) this.costs[run] = model.expected(load);
    this.cost = this.costs.reduce((sum, one) => sum + one, 0);
  }

  add(index: number): void {
    const count = this.counts[index]!++;
    const { length } = this.slots[index]!;
    const run = Math.floor(index / this.lanesOfRun);
    const load = this.loads[run]!;
    load.rows += Math.max(this.least, count + 1) - Math.max(this.least, count);
    load.attended += this.attendedIn(length, count + 1) - this.attendedIn(length, count);
    const cost = this.model.expected(load);
    this.cost += cost - this.costs[run]!;
    this.costs[run] = cost;
  }

  private attendedIn(length: number, count: number): number {
    const rows = Math.max(this.least, count);
    return rows * paddedWidth(length, rows);
  }
}

/** The sessions of a pool that share a lane: over the slots from the first's to the last's. */
interface Span {
  first: KvSlot;
  last: KvSlot;
  /** The most rows of one of them. */
  rows: number;
}

/** One run of lanes that neighbouring slots share; sessions with too many rows for that have their own. */
export class SharedLanesPlan implements GrowingStep {
  cost: number;
  private readonly model: RunCosts;
  private readonly slots: readonly KvSlot[];
  private readonly least: LeastRows;
  private readonly counts: Int32Array;

  constructor(model: RunCosts, slots: readonly KvSlot[], least: LeastRows) {
    this.model = model;
    this.least = least;
    this.slots = slots;
    this.counts = new Int32Array(slots.length).fill(1);
    this.cost = model.expected(this.load());
  }

  add(index: number): void {
    this.counts[index]!++;
    this.cost = this.model.expected(this.load());
  }

  /** O(sessions). */
  private load(): RunLoad {
    const spans = new Map<KvPool, Span>();
    const load = { rows: 0, attended: 0, lanes: 0 };
    const addLane = (computed: number, width: number) => {
      load.rows += computed;
      load.attended += computed * width;
      load.lanes++;
    };
    for (const [i, slot] of this.slots.entries()) {
      const rows = Math.max(this.least, this.counts[i]!);
      if (rows > MAX_SHARED_ROWS) {
        addLane(rows, paddedWidth(slot.length, rows));
        continue;
      }
      const span = spans.get(slot.pool);
      spans.set(slot.pool, {
        first: span && span.first.index < slot.index ? span.first : slot,
        last: span && span.last.index > slot.index ? span.last : slot,
        rows: Math.max(rows, span?.rows ?? 0),
      });
    }
    for (const [pool, { first, last, rows }] of spans) {
      if (first === last) addLane(rows, paddedWidth(first.length, rows));
      else addLane((last.index - first.index + 1) * rows, pool.stride);
    }
    return load;
  }
}

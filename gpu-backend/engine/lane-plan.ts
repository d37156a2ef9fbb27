/**
 * What a step would take before its rows are known: how its runs grow with every
 * row that a session is given. Each session has one row to begin with.
 */
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import type { RunCosts, RunLoad } from './cost-model.ts';
import type { Slot } from './engine.ts';
import { overflowsPadded, rowsInBucket, widthInBucket } from './fixed-shape.ts';
import { type Lane, type LeastRows, paddedWidth } from './lane.ts';
import { MAX_SHARED_ROWS, type Sharer, type Sharing, type Span, spansOf } from './shared-lanes.ts';
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

/** How sessions with lanes of their own are run. */
export interface OwnLanes {
  /** Lanes of one run, at most. */
  lanesOfRun: number;
  least: LeastRows;
  /** Rows of a session that one run takes: more of them take runs of their own, one after another. */
  mostRows: number;
}

/** A session's rows in runs of its own, `mostRows` at a time; each looks at the cache of those before. */
function costInParts(
  model: RunCosts,
  length: number,
  count: number,
  { least, mostRows }: Omit<OwnLanes, 'lanesOfRun'>,
): number {
  let cost = 0;
  for (let kept = 0; kept < count; kept += mostRows) {
    const rows = Math.max(least, Math.min(mostRows, count - kept));
    cost += model.expected({ rows, attended: attendedIn(length + kept, rows), lanes: 1 });
  }
  return cost;
}

/** What `rows` rows attend to after `length` committed tokens. */
function attendedIn(length: number, rows: number): number {
  return rows * paddedWidth(length, rows);
}

/** What a step takes whose sessions have the same context and as many rows each. */
export function evenStepCost(
  model: RunCosts,
  { rows, sessions, context }: { rows: number; sessions: number; context: number },
  { lanesOfRun, least, mostRows }: OwnLanes,
): number {
  const each = Math.max(least, Math.ceil(rows / sessions));
  if (each > mostRows) return sessions * costInParts(model, context, each, { least, mostRows });
  const runs = Math.ceil(sessions / lanesOfRun);
  const lanes = sessions / runs;
  const attended = lanes * attendedIn(context, each);
  return runs * model.expected({ rows: lanes * each, attended, lanes });
}

/** A lane of its own for each session, and runs of at most `lanesOfRun` of them. */
export class OwnLanesPlan implements GrowingStep {
  cost = 0;
  private readonly model: RunCosts;
  private readonly slots: readonly Slot[];
  private readonly lanes: OwnLanes;
  private readonly counts: Int32Array;
  /** The run of each session; meaningless for one that has runs of its own. */
  private readonly runs: Int32Array;
  private readonly loads: RunLoad[] = [];
  /** Of each run, and of each session with runs of its own. */
  private readonly costs: number[] = [];
  private readonly costsInParts: Float64Array;

  constructor(model: RunCosts, slots: readonly Slot[], lanes: OwnLanes) {
    this.model = model;
    this.slots = slots;
    this.lanes = lanes;
    this.counts = new Int32Array(slots.length).fill(1);
    this.runs = new Int32Array(slots.length);
    this.costsInParts = new Float64Array(slots.length);
    this.share();
  }

  /** O(1), and O(sessions) for the row with which one gets runs of its own. */
  add(index: number): void {
    const { least, mostRows } = this.lanes;
    const count = this.counts[index]!++;
    const { length } = this.slots[index]!;
    if (count >= mostRows) {
      const cost = costInParts(this.model, length, count + 1, this.lanes);
      this.cost += cost - this.costsInParts[index]!;
      this.costsInParts[index] = cost;
      // Those behind it move up.
      if (count === mostRows) this.share();
      return;
    }
    const run = this.runs[index]!;
    const load = this.loads[run]!;
    const [before, after] = [Math.max(least, count), Math.max(least, count + 1)];
    load.rows += after - before;
    load.attended += attendedIn(length, after) - attendedIn(length, before);
    const cost = this.model.expected(load);
    this.cost += cost - this.costs[run]!;
    this.costs[run] = cost;
  }

  /** Lays out the runs that several sessions share. */
  private share(): void {
    const { least, mostRows, lanesOfRun } = this.lanes;
    this.loads.length = 0;
    let lanes = 0;
    this.slots.forEach(({ length }, i) => {
      if (this.counts[i]! > mostRows) return;
      const run = Math.floor(lanes++ / lanesOfRun);
      this.runs[i] = run;
      this.loads[run] ??= { rows: 0, attended: 0, lanes: 0 };
      const load = this.loads[run];
      const rows = Math.max(least, this.counts[i]!);
      load.lanes++;
      load.rows += rows;
      load.attended += attendedIn(length, rows);
    });
    this.costs.length = 0;
    for (const load of this.loads) this.costs.push(this.model.expected(load));
    this.cost = [...this.costs, ...this.costsInParts].reduce((sum, one) => sum + one, 0);
  }
}

/** One run of lanes that neighbouring slots share; sessions with too many rows for that have their own. */
export class SharedLanesPlan implements GrowingStep {
  cost: number;
  private readonly model: RunCosts;
  private readonly sharing: Sharing;
  /** Whether lanes are padded to few shapes. */
  private readonly fixedShapes: boolean;
  /** In the order of their slots. */
  private readonly sharers: readonly Sharer[];
  /** By the index that the caller knows a session by. */
  private readonly byIndex: readonly Sharer[];

  constructor(
    model: RunCosts,
    slots: readonly KvSlot[],
    sharing: Sharing,
    fixedShapes: boolean = false,
  ) {
    this.model = model;
    this.sharing = sharing;
    this.fixedShapes = fixedShapes;
    this.byIndex = slots.map((slot) => ({ slot, rows: 1 }));
    this.sharers = [...this.byIndex].sort((a, b) => a.slot.index - b.slot.index);
    this.cost = model.expected(this.load());
  }

  add(index: number): void {
    this.byIndex[index]!.rows++;
    this.cost = this.model.expected(this.load());
  }

  /** O(sessions). */
  private load(): RunLoad {
    const { sharers, sharing, fixedShapes } = this;
    const load = { rows: 0, attended: 0, lanes: 0 };
    const addLane = (computed: number, width: number) => {
      load.rows += computed;
      load.attended += computed * width;
      load.lanes++;
    };
    const large = sharers.filter(({ rows }) => rows > MAX_SHARED_ROWS);
    const small = sharers.filter(({ rows }) => rows <= MAX_SHARED_ROWS);
    for (const { slot, rows } of large) addLane(rows, paddedWidth(slot.length, rows));
    const left = { ...sharing, mostLanes: sharing.mostLanes - large.length };
    const spans = spansOf(small, left);
    const slotsOf = ({ first, last }: Span) => last.index - first.index + 1;
    const sizes = [
      ...large.map(({ rows }) => ({ slots: 1, rows })),
      ...spans.map((span) => ({ slots: slotsOf(span), rows: span.rows })),
    ];
    const inBuckets = fixedShapes && !overflowsPadded(sizes, sharing.packedRows);
    for (const span of spans) {
      const { first, last, rows } = span;
      const padded = inBuckets ? rowsInBucket(rows) : rows;
      if (first !== last) {
        addLane(slotsOf(span) * padded, first.pool.stride);
        continue;
      }
      const width = paddedWidth(first.length, padded);
      addLane(padded, fixedShapes ? widthInBucket(width, first.pool.stride) : width);
    }
    return load;
  }
}

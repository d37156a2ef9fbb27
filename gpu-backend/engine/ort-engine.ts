/** The engine on ONNX Runtime: slots over pools of keys and values, and steps as runs over lanes. */

import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import { CoreWatch } from './core-watch.ts';
import { CostModel, type CostPrior, type RunLoad } from './cost-model.ts';
import type { Engine, EngineLimits, Exactness, ProviderChoice, Slot, StepRow } from './engine.ts';
import type { EngineParts } from './engine-parts.ts';
import { ofFixedShapes } from './fixed-shape.ts';
import { fedRows, type Lane, type Member, ownLane, WIDTH_STEP, withoutLeftOver } from './lane.ts';
import { evenStepCost, loadOf, type OwnLanes, OwnLanesPlan, SharedLanesPlan } from './lane-plan.ts';
import { partsOf } from './parts.ts';
import { type Sharing, sharedLanes } from './shared-lanes.ts';
import { KvSlot } from './slots.ts';
import { summarize } from './summarize.ts';
import { unreadChain } from './tree-rows.ts';

export class OrtEngine implements Engine {
  readonly limits: EngineLimits;
  readonly exactness: Exactness | null;
  readonly provider: ProviderChoice | null;
  readonly type: 'float32' | 'float16';
  /** Runs of the graph so far, and the milliseconds spent waiting for them. */
  readonly spent = { runs: 0, milliseconds: 0 };
  readonly parts: EngineParts;
  private readonly costs: CostModel;
  /** What the runs of the step in flight took, until the cost model is told. */
  private timed: { load: RunLoad; milliseconds: number }[] = [];
  private stepping = false;
  private closed = false;

  /**
   * @param prior what steps should take before one was timed
   * @param provider what `/health` shall say
   * @param exactness what a check has found; where a node differed the engine does not claim to be exact
   */
  constructor(
    parts: EngineParts,
    prior: CostPrior,
    exactness: Exactness | null = null,
    provider: ProviderChoice | null = null,
  ) {
    this.parts = parts;
    this.provider = provider;
    this.type = parts.prepared.layout.compute;
    this.exactness = exactness;
    const failed = exactness !== null && exactness.equal < exactness.nodes;
    this.limits = failed ? { ...parts.limits, exact: false } : parts.limits;
    this.costs = new CostModel(prior);
  }

  acquire(prompt: Int32Array, maxTokens: number, namespace: string): Slot | null {
    if (prompt.length === 0) throw new RangeError('a prompt needs at least one token');
    const acquired = this.parts.slots.acquire(prompt, maxTokens, namespace);
    if (!acquired) return null;
    const { slot, copyFrom } = acquired;
    if (copyFrom) this.take(copyFrom, slot, 0);
    return slot;
  }

  catchUp(slot: Slot, prompt: Int32Array): void {
    const own = this.own(slot);
    const from = own.length;
    const source = this.parts.slots.extend(own, prompt);
    if (source) this.take(source, own, from);
  }

  release(slot: Slot): void {
    this.parts.slots.release(this.own(slot));
  }

  async step(rows: readonly StepRow[]): Promise<void> {
    const members = rows.map((row) => this.member(row));
    if (new Set(rows.map(({ slot }) => slot)).size < rows.length) {
      throw new RangeError('a session can feed rows only once a step');
    }
    await this.runExclusively(members);
    this.learn();
    for (const { slot, row } of members) {
      slot.remember(row);
      // As many as the graph finds have come with the run.
      if ((row.top ?? 0) > this.parts.topInGraph) summarize(row, this.limits.vocabSize);
    }
  }

  commit(slot: Slot, path: ArrayLike<number>, count: number): void {
    const own = this.own(slot);
    own.checkPath(path, count);
    const { pool, index, length } = own;
    for (let i = 0; i < count; i++) {
      const row = path[i]!;
      own.tokens[length + i] = own.rowTokens[row]!;
      if (row === i) continue;
      // Rows that follow each other in the tree follow each other in the cache: one copy for all of them.
      let run = 1;
      while (i + run < count && path[i + run] === row + run) {
        own.tokens[length + i + run] = own.rowTokens[row + run]!;
        run++;
      }
      const place = { pool, slot: index };
      this.parts.copier.copy(
        { ...place, token: length + row },
        { ...place, token: length + i },
        run,
      );
      i += run - 1;
    }
    own.length = length + count;
    own.rowCount = 0;
  }

  /** Forgets all but the first `length` committed tokens, so that another text can follow them. */
  rewind(slot: Slot, length: number): void {
    const own = this.own(slot);
    if (!(length >= 0 && length <= own.length)) {
      throw new RangeError(`a slot of ${own.length} tokens can't be rewound to ${length}`);
    }
    own.length = length;
    own.rowCount = 0;
  }

  /** Resolves when the graph that suits `sessions` in one step is loaded; otherwise that happens by the way. */
  async loadFor(sessions: number): Promise<void> {
    await this.parts.graphs.loadFor(sessions);
  }

  plan(slots: readonly Slot[]): GrowingStep {
    const own = slots.map((slot) => this.own(slot));
    const { sharedLanes, fixedShapes } = this.parts;
    if (sharedLanes) return new SharedLanesPlan(this.costs, own, this.sharing, fixedShapes);
    return new OwnLanesPlan(this.costs, own, this.ownLanes);
  }

  stepCost(rows: number, sessions: number, context: number): number {
    return evenStepCost(this.costs, { rows, sessions, context }, this.ownLanes);
  }

  async probe(rows: number): Promise<boolean> {
    const slot = this.parts.slots.idleWithRoom(rows);
    if (!slot || rows > this.limits.maxRows) return false;
    const { threads } = this.parts;
    const watch = threads > 0 ? new CoreWatch(threads) : null;
    await this.runExclusively([{ slot, row: unreadChain(slot, rows) }]);
    if (watch?.hadCores() === false) return false;
    this.learn();
    return true;
  }

  close(): void {
    if (this.stepping) throw new Error('a step is in flight: await it before closing');
    if (this.closed) return;
    this.closed = true;
    this.parts.release();
  }

  private async runExclusively(members: readonly Member[]): Promise<void> {
    if (this.stepping) throw new Error('a step is in flight: await it before the next');
    this.stepping = true;
    this.timed = [];
    try {
      for (const { slot } of members) slot.inFlight = true;
      await this.runAll(members);
    } finally {
      for (const { slot } of members) slot.inFlight = false;
      this.stepping = false;
    }
  }

  private async runAll(members: readonly Member[]): Promise<void> {
    const { outputs, mostRows, copier, fixedShapes, graphs } = this.parts;
    const whole = members.filter(({ row }) => fedRows(row) <= mostRows);
    const lanes = this.lanes(whole);
    // A run of a fixed shape gives logits of padding too, behind those that are wanted.
    let logits = fixedShapes ? loadOf(lanes).rows + graphs.mostLanes : 0;
    for (const { row } of members) logits += row.count - row.logitsFrom;
    for (const output of outputs) output.reserve(logits);
    for (const lane of lanes) this.clear(lane);
    await copier.flush();
    let logit = await this.runLanes(lanes, 0);
    for (const member of members) {
      if (!whole.includes(member)) logit += await this.runInParts(member, logit);
    }
  }

  /** Returns how many rows of logits they gave. */
  private async runLanes(all: readonly Lane[], firstLogit: number): Promise<number> {
    const { graphs, leastRows } = this.parts;
    let logit = firstLogit;
    for (let lanes = all; lanes.length > 0; ) {
      const runner = graphs.fit(lanes);
      const run = withoutLeftOver(lanes.slice(0, runner.lanes), leastRows);
      lanes = lanes.slice(runner.lanes);
      const milliseconds = await runner.run(run, logit);
      logit += this.account(run, milliseconds);
    }
    return logit - firstLogit;
  }

  /** The same for one session's rows. Those of a part lie in the cache when the next one's look at them. */
  private async runInParts({ slot, row }: Member, firstLogit: number): Promise<number> {
    let logits = 0;
    for (const part of partsOf(row, this.parts.mostRows)) {
      logits += await this.runLanes(this.lanes([{ slot, row: part }]), firstLogit + logits);
    }
    for (const output of this.parts.outputs) {
      if (output.name === 'logits') row.logits = output.view(firstLogit, logits);
      if (output.name === 'hidden') row.hidden = output.view(firstLogit, logits);
    }
    return logits;
  }

  private lanes(members: readonly Member[]): Lane[] {
    const { slots, leastRows, fixedShapes, packedRows } = this.parts;
    if (!this.parts.sharedLanes) return members.map((member) => ownLane(member, leastRows));
    const lanes = sharedLanes(members, slots.slots, this.sharing);
    return fixedShapes ? ofFixedShapes(lanes, packedRows) : lanes;
  }

  private get ownLanes(): OwnLanes {
    const { leastRows: least, mostRows, graphs } = this.parts;
    return { least, mostRows, lanesOfRun: graphs.mostLanes };
  }

  private get sharing(): Sharing {
    const { leastRows: least, packedRows, graphs } = this.parts;
    return { least, packedRows, mostLanes: graphs.mostLanes };
  }

  /** Zeroes what a lane, padded by a row, would read of memory that was never written. */
  private clear(lane: Lane): void {
    const { pool, slots } = lane;
    const width = Math.min(lane.width + WIDTH_STEP, pool.stride);
    for (const { slot } of slots) {
      if (slot.cleared >= width) continue;
      const at = { pool, slot: slot.index, token: slot.cleared };
      this.parts.copier.clear(at, width - slot.cleared);
      slot.cleared = width;
    }
  }

  /** Tells the cost model what the last step's runs took. */
  private learn(): void {
    for (const { load, milliseconds } of this.timed) this.costs.observe(load, milliseconds);
  }

  /** Notes what a run took; returns how many rows of logits it gave. */
  private account(run: readonly Lane[], milliseconds: number): number {
    let rows = 0;
    let logits = 0;
    for (const { slots } of run) {
      for (const { row } of slots) {
        if (!row) continue;
        rows += fedRows(row);
        logits += row.count - row.logitsFrom;
      }
    }
    this.spent.runs++;
    this.spent.milliseconds += milliseconds;
    // A prefill chunk computes no logits: what it takes says little about steps that do.
    if (logits === rows) this.timed.push({ load: loadOf(run), milliseconds });
    return logits;
  }

  private member(row: StepRow): Member {
    const slot = this.own(row.slot);
    slot.checkRow(row, this.limits);
    return { slot, row };
  }

  /** Copies rows `from` and on of what `slot` shall hold. */
  private take(source: KvSlot, slot: KvSlot, from: number): void {
    this.parts.copier.copy(
      { pool: source.pool, slot: source.index, token: from },
      { pool: slot.pool, slot: slot.index, token: from },
      slot.length - from,
    );
    slot.cleared = Math.max(slot.cleared, slot.length);
  }

  private own(slot: Slot): KvSlot {
    if (!(slot instanceof KvSlot) || !slot.inUse) {
      throw new Error('the slot is not held: acquire one, and use it until it is released');
    }
    return slot;
  }
}

/**
 * An engine that says what was recorded: at every node on the recorded path the
 * logits are one-hot at the next recorded token. A step takes as long as `times`
 * says, and is sized by what the engine believes that it takes. The committed context is checked against the recording,
 * so a protocol that loses or doubles a token fails here.
 */

import type { CostModel, RunCosts, RunLoad } from '../gpu-backend/engine/cost-model.ts';
import type { Engine, EngineLimits, Slot, StepRow } from '../gpu-backend/engine/engine.ts';
import { type LeastRows, paddedWidth } from '../gpu-backend/engine/lane.ts';
import { evenStepCost, type OwnLanes, OwnLanesPlan } from '../gpu-backend/engine/lane-plan.ts';
import { summarize } from '../gpu-backend/engine/summarize.ts';
import type { GrowingStep } from '../src/draft/tree/budget.ts';
import { pause } from '../src/link/protocol/index.ts';
import type { Host } from './network.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A 7B model on a data-centre GPU, about: 25 ms a step, and a node costs next to nothing. */
export const FLAT_GPU: RunCosts = { expected: ({ rows }) => 25 + 0.02 * rows };

/** Lanes of the largest graph. */
const MOST_LANES = 8;
/** As of a model in which each query head has a key head of its own, such as Llama 2 7B. */
const LEAST_ROWS: LeastRows = 2;
const LANES: OwnLanes = {
  lanesOfRun: MOST_LANES,
  least: LEAST_ROWS,
  mostRows: Number.POSITIVE_INFINITY,
};

export interface Pace {
  /** What runs take. */
  times: RunCosts;
  /** What the engine believes that they take; knows it, where absent. */
  belief?: CostModel | undefined;
  /** Prompts are in the cache already, as those of a conversation that goes on are. */
  cached?: boolean;
}

class ReplaySlot implements Slot {
  length: number;
  readonly cached: number;
  readonly capacity: number;
  /** Prompt and answer. */
  readonly script: Int32Array;

  constructor(script: Int32Array, capacity: number, cached: number) {
    this.length = this.cached = cached;
    this.script = script;
    this.capacity = capacity;
  }
}

export class ReplayEngine implements Engine {
  readonly limits: EngineLimits;
  readonly exactness = null;
  private readonly clock: VirtualClock;
  private readonly host: Host;
  private readonly pace: Pace;
  /** By namespace: prompts and their answers, the latest first. */
  private readonly scripts = new Map<string, Int32Array[]>();
  private readonly held = new Set<Slot>();
  private logits = new Float32Array(0);
  private readonly lit: number[] = [];
  private lastRows: readonly StepRow[] = [];
  /** When the first decode step since the last `script` began, and when the last one ended. */
  private began = -1;
  private ended = 0;

  constructor(
    clock: VirtualClock,
    host: Host,
    vocabSize: number,
    slots = 1,
    pace: Pace = { times: FLAT_GPU },
  ) {
    this.clock = clock;
    this.host = host;
    this.pace = pace;
    this.limits = {
      vocabSize,
      maxContext: 1 << 17,
      maxRows: 256,
      quickTop: true,
      prefillRows: 256,
      slots,
      exact: true,
    };
  }

  /** What the target says to the next prompts of `namespace`. */
  script(namespace: string, prompt: Int32Array, answer: Int32Array): void {
    const whole = new Int32Array(prompt.length + answer.length);
    whole.set(prompt);
    whole.set(answer, prompt.length);
    const known = this.scripts.get(namespace) ?? [];
    this.scripts.set(namespace, [whole, ...known.slice(0, this.limits.slots)]);
    this.began = -1;
  }

  /** Time on the engine's clock from the first decode step to the last, waits between them included. */
  get decodeMs(): number {
    return this.began < 0 ? 0 : this.ended - this.began;
  }

  acquire(prompt: Int32Array, maxTokens: number, namespace = ''): Slot | null {
    const scripts = this.scripts.get(namespace);
    if (!scripts) throw new Error(`nothing is recorded for ${namespace}`);
    const script = scripts.find((one) => prompt.every((token, i) => token === one[i]));
    if (!script) throw new Error('the prompt is not what was recorded');
    if (this.held.size === this.limits.slots) return null;
    const cached = this.pace.cached ? prompt.length - 1 : 0;
    const slot = new ReplaySlot(script, maxTokens + this.limits.maxRows, cached);
    this.held.add(slot);
    return slot;
  }

  /** Nothing is computed here that could be shared. */
  catchUp(): void {}

  release(slot: Slot): void {
    if (!this.held.delete(slot)) throw new Error('a slot was released twice');
  }

  get slotsHeld(): number {
    return this.held.size;
  }

  async step(rows: readonly StepRow[]): Promise<void> {
    const wanted = rows.reduce((sum, row) => sum + row.count - row.logitsFrom, 0);
    const start = Math.max(this.clock.now(), this.host.freeAt);
    if (wanted > 0 && this.began < 0) this.began = this.clock.now();
    await pause(this.clock, start - this.clock.now() + this.run(rows));
    if (wanted > 0) this.ended = this.clock.now();
    this.darken();
    const { vocabSize } = this.limits;
    if (this.logits.length < wanted * vocabSize) this.logits = new Float32Array(wanted * vocabSize);
    let at = 0;
    for (const row of rows) {
      const end = at + (row.count - row.logitsFrom) * vocabSize;
      row.logits = this.logits.subarray(at, end);
      if (end > at) this.fill(row, at);
      summarize(row, vocabSize);
      at = end;
    }
    this.lastRows = rows;
  }

  commit(slot: Slot, path: ArrayLike<number>, count: number): void {
    const row = this.lastRows.find((one) => one.slot === slot);
    if (!row || !(slot instanceof ReplaySlot)) throw new Error('commit without a step');
    for (let i = 0; i < count; i++) {
      const token = row.tokens[path[i]!]!;
      if (token !== slot.script[slot.length]) {
        throw new Error(`token ${token} was committed at ${slot.length}`);
      }
      slot.length++;
    }
  }

  plan(slots: readonly Slot[]): GrowingStep {
    return new OwnLanesPlan(this.pace.belief ?? this.pace.times, slots, LANES);
  }

  stepCost(rows: number, sessions: number, context: number): number {
    return evenStepCost(this.pace.belief ?? this.pace.times, { rows, sessions, context }, LANES);
  }

  async probe(rows: number): Promise<boolean> {
    const width = paddedWidth(0, rows);
    await pause(this.clock, this.timed({ rows, attended: rows * width, lanes: 1 }));
    return true;
  }

  close(): void {}

  /** Milliseconds of a step, in runs of as many lanes as a graph has. */
  private run(rows: readonly StepRow[]): number {
    let ms = 0;
    for (let at = 0; at < rows.length; at += MOST_LANES) {
      const load = { rows: 0, attended: 0, lanes: 0 };
      for (const { slot, count } of rows.slice(at, at + MOST_LANES)) {
        const padded = Math.max(LEAST_ROWS, count);
        load.rows += padded;
        load.attended += padded * paddedWidth(slot.length, padded);
        load.lanes++;
      }
      const decodes = rows.some(({ count, logitsFrom }) => logitsFrom < count);
      ms += decodes ? this.timed(load) : this.pace.times.expected(load);
    }
    return ms;
  }

  /** What a run takes, learnt from. */
  private timed(load: RunLoad): number {
    const ms = this.pace.times.expected(load);
    this.pace.belief?.observe(load, ms);
    return ms;
  }

  /** Rows off the recorded path stay dark: no walk gets there. */
  private fill(row: StepRow, at: number): void {
    const { script, length } = row.slot as ReplaySlot;
    const depths = new Int32Array(row.count).fill(-1);
    for (let i = 0; i < row.count; i++) {
      const parent = row.parents[i]!;
      const depth = parent < 0 ? 0 : depths[parent]! < 0 ? -1 : depths[parent]! + 1;
      if (depth < 0 || row.tokens[i] !== script[length + depth]) continue;
      depths[i] = depth;
      const next = script[length + depth + 1];
      if (next === undefined) continue;
      const index = at + (i - row.logitsFrom) * this.limits.vocabSize + next;
      this.logits[index] = 1;
      this.lit.push(index);
    }
  }

  private darken(): void {
    for (const index of this.lit) this.logits[index] = 0;
    this.lit.length = 0;
  }
}

/** The rows of `bench:drafters`: what drafts beside the verifier in each. */
import { type AddOptions, addModel } from '../../gpu-backend/builder/add-model.ts';
import type { ModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import { EchoMemory } from '../../gpu-backend/drafters/echo-memory.ts';
import type {
  LocalDrafters,
  Outcome,
  Seat,
  StepTaken,
} from '../../gpu-backend/drafters/local-drafters.ts';
import type { Network } from '../../gpu-backend/drafters/network.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import type { EngineOptions } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import {
  type NetworkKind,
  networkKind,
  openNetworks,
  waysOf,
} from '../../gpu-backend/open-drafters.ts';
import { remainingShare } from './remaining-share.ts';
import type { SimulatedTime } from './simulated.ts';

export interface RowSetup {
  target: ModelFolder;
  engine: OrtEngine;
  settings: EngineOptions;
  add: AddOptions;
  /** Networks as ESPALIER_DRAFT names them. */
  names: readonly string[];
  /** Instead of real time. */
  time: SimulatedTime | null;
  /** Passes and nodes whatever they cost. */
  always: { passes: number; nodes: number } | undefined;
}

/** What share of the target's work a pass takes on the simulated machine; null where nothing is run. */
const SHARES: Record<NetworkKind, (engine: OrtEngine, name: string) => number | null> = {
  // A model of 1B parameters beside one of 8B.
  model: () => 1 / 8,
  self: () => 1,
  // Four layers of 32, and a head of 8,000 tokens.
  kangaroo: () => 0.115,
  // One layer, what joins token and state, and a head of 8,000 tokens.
  feature: () => 0.036,
  // Of four heads in the mean 3.5 squares of the hidden size, of which one is 0.002 of 8.03B
  // weights, and a head of 8,000 tokens, which is 0.004 (`models/recipe/heads.py`).
  hydra: () => 0.011,
  // Its rows are the target's own.
  ppd: () => null,
  swift: (engine, name) => remainingShare(engine.parts.prepared, name),
};

/** What the echo has, without a network. */
const ECHOES: Record<string, () => EchoMemory> = {
  L: () => new EchoMemory(null),
  'L+A': () => new EchoMemory(),
};

/** How the row of one network begins; its kind follows. */
const BESIDE = 'L+A+';
/** The row of all networks, each by itself or all as one. */
const ALL = 'all';
/** The row of the model by its exits, or whole. */
const DEPTHS = `${BESIDE}s2d`;

/** The rows that there are with these networks. */
export function rowsWith(names: readonly string[]): string[] {
  const networks = names.map((name) => BESIDE + networkKind(name));
  return [...Object.keys(ECHOES), ...networks, ...(names.length > 1 ? [ALL] : [])];
}

/** Which of the networks `row` asks. Throws an Error for a row that there is not. */
export function namesOf(row: string, names: readonly string[]): readonly string[] {
  if (ECHOES[row]) return [];
  if (row === ALL && names.length > 1) return names;
  const asked = row === DEPTHS ? `${BESIDE}model` : row;
  const own = names.filter((name) => BESIDE + networkKind(name) === asked);
  if (own.length === 1) return own;
  throw new Error(
    `--rows: there is no ${row} with --draft ${names.join(',') || 'left out'}, but ${rowsWith(names).join(', ')}`,
  );
}

/** Throws an Error for a row that there is not. */
export async function openRow(row: string, setup: RowSetup): Promise<TimedDrafters> {
  const memory = ECHOES[row];
  if (memory) return new TimedDrafters(new EchoOver(memory()));
  const { time, always } = setup;
  const clock = time?.clock ?? nodeClock;
  const ways = await openWays(row, setup);
  return new TimedDrafters(new NetworkedDrafters(ways, clock, always ? { always } : {}));
}

/** The networks of a row; of a model with exits the whole, but in the row of its exits. */
async function openWays(row: string, setup: RowSetup): Promise<Network[]> {
  const opened: Network[][] = [];
  for (const name of namesOf(row, setup.names)) {
    const depths = await openTimed(name, setup);
    opened.push(row === DEPTHS ? depths : depths.slice(-1));
  }
  return waysOf(opened);
}

/** What a name stands for; each network takes its share of the target's time where time is simulated. */
async function openTimed(name: string, setup: RowSetup): Promise<Network[]> {
  const { target, engine, settings, add, time } = setup;
  const networks = await openNetworks(name, target, engine, { settings, add });
  const share = time && SHARES[networkKind(name)](engine, name);
  if (!time || share === null) return networks;
  const depths = networks.length > 1 ? await depthsOf(name, add) : [1];
  return networks.map((network, i) => time.network(network, share * depths[i]!));
}
/** Of each of a model's exits, and of the whole, the share of its layers. */
async function depthsOf(draft: string, add: AddOptions): Promise<number[]> {
  const { exits, layers } = (await addModel(draft, add)).config;
  return [...exits, layers].map((depth) => depth / layers);
}

/** The echo over a memory of its own, which is never prepared. */
class EchoOver implements LocalDrafters {
  readonly spent = [];
  private readonly memory: EchoMemory;

  constructor(memory: EchoMemory) {
    this.memory = memory;
  }

  seat(): Seat {
    return new EchoDrafter(this.memory);
  }

  async prepare(): Promise<void> {}

  settle(): void {}

  close(): void {}
}

/** Times what a step waits for before the target runs, in real milliseconds. */
export class TimedDrafters implements LocalDrafters {
  private readonly inner: LocalDrafters;
  /** By step. */
  readonly times: number[] = [];
  private preparing = 0;

  constructor(inner: LocalDrafters) {
    this.inner = inner;
  }

  get spent(): LocalDrafters['spent'] {
    return this.inner.spent;
  }

  seat(turn: Parameters<LocalDrafters['seat']>[0]): Seat {
    const seat = this.inner.seat(turn);
    const draft = seat.draft.bind(seat);
    seat.draft = (...tree) => this.timed(() => draft(...tree));
    return seat;
  }

  async prepare(seats: readonly Seat[], sessions: number): Promise<void> {
    this.preparing = 0;
    const began = performance.now();
    await this.inner.prepare(seats, sessions);
    this.preparing = performance.now() - began;
  }

  settle(outcomes: readonly Outcome[], step: StepTaken): void {
    this.times.push(this.preparing);
    this.inner.settle(outcomes, step);
  }

  close(): void {
    this.inner.close();
  }

  private timed(task: () => void): void {
    const began = performance.now();
    task();
    this.preparing += performance.now() - began;
  }
}

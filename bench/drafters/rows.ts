/** The rows of `bench:drafters`: what drafts beside the verifier in each. */
import { type AddOptions, addModel } from '../../gpu-backend/builder/add-model.ts';
import type { ModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import { EchoMemory } from '../../gpu-backend/drafters/echo-memory.ts';
import type { LocalDrafters, Outcome, Seat } from '../../gpu-backend/drafters/local-drafters.ts';
import type { Network } from '../../gpu-backend/drafters/network.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import type { EngineOptions } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { openNetworks, waysOf } from '../../gpu-backend/open-drafters.ts';
import { remainingShare } from './remaining-share.ts';
import type { SimulatedTime } from './simulated.ts';

export interface RowSetup {
  target: ModelFolder;
  engine: OrtEngine;
  settings: EngineOptions;
  add: AddOptions;
  /** What `L+A+model` drafts with, the layers of `L+A+kangaroo` and `L+A+feature`, and the heads of `L+A+hydra`. */
  draft: string | undefined;
  exit: string | undefined;
  feature: string | undefined;
  /** The prompt tokens of `L+A+ppd`. */
  ppd: string | undefined;
  /** The blocks that `L+A+swift` drafts without. */
  skip: string | undefined;
  hydra: string | undefined;
  /** Instead of real time. */
  time: SimulatedTime | null;
  /** Passes and nodes whatever they cost. */
  always: { passes: number; nodes: number } | undefined;
}

/** What ESPALIER_DRAFT would say, and what share of the target's work a pass takes on the simulated machine. */
interface NetworkRow {
  draft(setup: RowSetup): string | undefined;
  /** The option that names it. */
  option: string;
  /** null where nothing is run: its rows are the target's own. */
  share(setup: RowSetup): number | null;
}

const NETWORKS: Record<string, NetworkRow> = {
  // A model of 1B parameters beside one of 8B.
  'L+A+model': { draft: ({ draft }) => draft, option: '--draft', share: () => 1 / 8 },
  'L+A+self': { draft: () => 'self', option: '', share: () => 1 },
  // Four layers of 32, and a head of 8,000 tokens.
  'L+A+kangaroo': { draft: ({ exit }) => exit, option: '--exit', share: () => 0.115 },
  // One layer, what joins token and state, and a head of 8,000 tokens.
  'L+A+feature': { draft: ({ feature }) => feature, option: '--feature', share: () => 0.036 },
  'L+A+ppd': { draft: ({ ppd }) => ppd, option: '--ppd', share: () => null },
  // Of four heads in the mean 3.5 squares of the hidden size, of which one is 0.002 of 8.03B
  // weights, and a head of 8,000 tokens, which is 0.004 (`models/recipe/heads.py`).
  'L+A+hydra': { draft: ({ hydra }) => hydra, option: '--hydra', share: () => 0.011 },
  'L+A+swift': {
    draft: ({ skip }) => skip,
    option: '--skip',
    share: ({ engine, skip }) => remainingShare(engine.parts.prepared, skip!),
  },
};

/** What the echo has, without a network. */
const ECHOES: Record<string, () => EchoMemory> = {
  L: () => new EchoMemory(null),
  'L+A': () => new EchoMemory(),
};

/** The row of all networks that an option names, each by itself or all as one. */
const ALL = 'all';
/** The row of the model by its exits, or whole. */
const DEPTHS = 'L+A+s2d';
const ROWS = [...Object.keys(ECHOES), ...Object.keys(NETWORKS), DEPTHS, ALL];

/** Throws an Error for a row that there is not. */
export async function openRow(name: string, setup: RowSetup): Promise<TimedDrafters> {
  const memory = ECHOES[name];
  if (memory) return new TimedDrafters(new EchoOver(memory()));
  const { time, always } = setup;
  const clock = time?.clock ?? nodeClock;
  const ways = await openWays(name, setup);
  return new TimedDrafters(new NetworkedDrafters(ways, clock, always ? { always } : {}));
}

/** The networks of a row. */
async function openWays(name: string, setup: RowSetup): Promise<Network[]> {
  if (name === ALL) return await openAll(setup);
  if (name === DEPTHS) return await openTimed('L+A+model', setup);
  return (await openTimed(name, setup)).slice(-1);
}

async function openAll(setup: RowSetup): Promise<Network[]> {
  const named = Object.keys(NETWORKS).filter((name) => {
    const { draft, option } = NETWORKS[name]!;
    return option && draft(setup);
  });
  const networks: Network[][] = [];
  for (const name of named) networks.push((await openTimed(name, setup)).slice(-1));
  if (networks.length < 2) {
    throw new Error(`${ALL} needs two of --draft, --exit, --feature, --hydra, --ppd and --skip`);
  }
  return waysOf(networks);
}

/** What a row's draft stands for; each takes its share of the target's time where time is simulated. */
async function openTimed(name: string, setup: RowSetup): Promise<Network[]> {
  const row = NETWORKS[name];
  if (!row) throw new Error(`--rows: ${name} is none of ${ROWS.join(', ')}`);
  const draft = row.draft(setup);
  if (!draft) throw new Error(`${name} needs ${row.option}`);
  const { target, engine, settings, add, time } = setup;
  const networks = await openNetworks(draft, target, engine, { settings, add });
  const share = time ? row.share(setup) : null;
  if (!time || share === null) return networks;
  const depths = networks.length > 1 ? await depthsOf(draft, add) : [1];
  return networks.map((network, i) => time.network(network, share * depths[i]!));
}

/** Of each of a model's exits, and of the whole, the share of its layers. */
async function depthsOf(draft: string, add: AddOptions): Promise<number[]> {
  const { exits, layers } = (await addModel(draft, add)).config;
  return [...exits, layers].map((depth) => depth / layers);
}

/** The echo over a memory of its own, which is never prepared. */
class EchoOver implements LocalDrafters {
  readonly spent = null;
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

  async prepare(seats: readonly Seat[]): Promise<void> {
    this.preparing = 0;
    const began = performance.now();
    await this.inner.prepare(seats);
    this.preparing = performance.now() - began;
  }

  settle(outcomes: readonly Outcome[], stepMs: number): void {
    this.times.push(this.preparing);
    this.inner.settle(outcomes, stepMs);
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

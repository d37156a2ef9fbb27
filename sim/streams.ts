/**
 * Several streams at once, each one question after the other, through the worker's
 * and the verifier's own code on a virtual clock: what drafting brings and costs at
 * a load, with steps of a given shape and a verifier that believes something about it.
 */

import type { RecordedTurn } from '../bench/rtt/recording.ts';
import { EchoDrafter } from '../gpu-backend/drafters/echo.ts';
import { EchoMemory } from '../gpu-backend/drafters/echo-memory.ts';
import type { CostModel, RunCosts, RunLoad } from '../gpu-backend/engine/cost-model.ts';
import type { Drafter } from '../src/draft/drafter.ts';
import { SpanQueue } from '../src/generate/span-queue.ts';
import { runTurn, TREE_DELIVERY } from '../src/generate/turn.ts';
import { TurnLink } from '../src/link/failover.ts';
import { Fleet } from '../src/link/fleet.ts';
import type { DraftingMode, Open } from '../src/link/protocol/index.ts';
import { TurnDrafter } from '../src/memory/turn/turn-drafter.ts';
import { type Conditions, connect, Host } from './network.ts';
import { seeded } from './random.ts';
import { FINGERPRINT, SimulatedVerifier } from './verifier.ts';
import { VirtualClock } from './virtual-clock.ts';

const URL = 'sim://verifier';
const NEAR: Conditions = { rttMs: 1, jitterMs: 0.2, bytesPerMs: 1250, stallChance: 0, stallMs: 0 };
const BUDGET = 32;

export interface Streams {
  vocabSize: number;
  turns: readonly RecordedTurn[];
  /** How many at once; one that ends begins the next turn. Changes take hold as turns end. */
  load: (ms: number) => number;
  drafting: DraftingMode;
  /** What a run takes. */
  times: RunCosts;
  /** How many times longer they take at a time, as the machine does other things too. */
  machine?: (ms: number) => number;
  /** What the verifier believes at the start; exactly what is true, where absent. */
  belief?: CostModel;
  /** What drafts in the worker. */
  drafter?: () => Drafter;
  /** Tokens to commit in all. */
  tokens: number;
  seed?: number;
}

/** What was committed by when, step by step. */
export interface Progress {
  /** Milliseconds. */
  at: number[];
  /** Tokens of all streams so far. */
  tokens: number[];
  /** Nodes verified so far. */
  drafted: number[];
}

export async function runStreams(setup: Streams): Promise<Progress> {
  const { vocabSize, turns, load, machine = () => 1, belief, drafting, tokens, seed = 1 } = setup;
  const clock = new VirtualClock();
  const times = { expected: (run: RunLoad) => setup.times.expected(run) * machine(clock.now()) };
  const random = seeded(seed);
  const near = new Host(clock);
  const memory = new EchoMemory(null);
  const verifier = new SimulatedVerifier(clock, {
    vocabSize,
    slots: 64,
    pace: { times, belief, cached: true },
    echo: () => new EchoDrafter(memory),
  });
  const fleet = new Fleet([URL], clock, random);
  const context = {
    fleet,
    clock,
    random,
    async dial() {
      const connection = await connect(clock, { near, far: verifier.host }, NEAR, random);
      verifier.serve(connection.far);
      return connection.near;
    },
  };
  const progress: Progress = { at: [], tokens: [], drafted: [] };
  let committed = 0;
  let drafted = 0;
  let next = 0;
  let running = 0;

  async function answer(turn: RecordedTurn): Promise<void> {
    verifier.engine.script('', turn.prompt, turn.answer);
    const drafter = setup.drafter?.() ?? new TurnDrafter();
    const open = openFor(turn, drafting);
    const plan =
      drafting === 'off'
        ? null
        : {
            drafter,
            tokens: turn.prompt,
            regions: turn.regions,
            spans: new SpanQueue(),
            trees: TREE_DELIVERY[drafting],
          };
    for await (const event of runTurn(new TurnLink(context), open, plan)) {
      if (event.type !== 'accept') continue;
      committed += event.tokens.length;
      drafted += event.drafted;
      progress.at.push(clock.now());
      progress.tokens.push(committed);
      progress.drafted.push(drafted);
    }
  }

  /** One stream: question after question, until there are too many or enough was said. */
  async function stream(): Promise<void> {
    while (committed < tokens && running <= load(clock.now())) {
      await answer(turns[next++ % turns.length]!);
      while (committed < tokens && running < load(clock.now())) void start();
    }
    running--;
  }

  const streams: Promise<void>[] = [];
  function start(): void {
    running++;
    streams.push(stream());
  }

  async function all(): Promise<void> {
    for (let i = load(0); i > 0; i--) start();
    for (let i = 0; i < streams.length; i++) await streams[i];
    await verifier.scheduler.close();
  }

  await clock.run(all());
  return progress;
}

/** Tokens per millisecond between the moments when `from` and `to` tokens had been committed. */
export function rate({ at, tokens }: Progress, from: number, to: number): number {
  const index = (count: number) => {
    const found = tokens.findIndex((so) => so >= count);
    return found < 0 ? tokens.length - 1 : found;
  };
  const [first, last] = [index(from), index(to)];
  return (tokens[last]! - tokens[first]!) / (at[last]! - at[first]!);
}

function openFor({ prompt, regions, answer }: RecordedTurn, drafting: DraftingMode): Open {
  return {
    prompt,
    settings: {
      fingerprint: FINGERPRINT,
      namespace: '',
      sampling: { seed: [1, 2], temperature: 0, topP: 1, topK: 0 },
      maxTokens: answer.length,
      stopIds: [],
      drafting,
      budget: BUDGET,
      regions: regions.map(({ start, end, source }) => [start, end, source]),
      resumed: 0,
    },
  };
}

/** Times of one-session steps at some numbers of rows, in between on straight lines, and what a lane and attention add. */
export function timesOf(points: readonly (readonly [rows: number, ms: number])[]): RunCosts {
  const slope = (i: number) =>
    (points[i + 1]![1] - points[i]![1]) / (points[i + 1]![0] - points[i]![0]);
  return {
    expected({ rows, attended, lanes }: RunLoad) {
      let at = 0;
      while (at + 2 < points.length && points[at + 1]![0] <= rows) at++;
      const [from, ms] = points[at]!;
      const linear = ms + Math.max(0, rows - from) * slope(at);
      return linear * (1 + 0.01 * (lanes - 1)) + attended * ATTENDED_MS;
    },
  };
}

/** A row over a row of the cache, of a model of some hundred million parameters. */
const ATTENDED_MS = 0.0001;

/**
 * One recording answered over a simulated network by the worker's and the
 * verifier's own code: TurnLink and runTurn on one side, serveLink, Session and
 * Scheduler on the other. Simulated are time, the wire and the target.
 */

import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import { EchoMemory } from '../../gpu-backend/drafters/echo-memory.ts';
import type { Seat } from '../../gpu-backend/drafters/local-drafters.ts';
import { type Conditions, type Connection, connect, Host } from '../../sim/network.ts';
import { seeded } from '../../sim/random.ts';
import { FINGERPRINT, SimulatedVerifier } from '../../sim/verifier.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import type { Drafter, Region } from '../../src/draft/drafter.ts';
import { SpanQueue } from '../../src/generate/span-queue.ts';
import { type Drafting, runTurn, TREE_DELIVERY } from '../../src/generate/turn.ts';
import { type LinkEnvironment, TurnLink } from '../../src/link/failover.ts';
import { Fleet } from '../../src/link/fleet.ts';
import {
  type DraftingMode,
  FrameType,
  type Open,
  type Span,
} from '../../src/link/protocol/index.ts';
import { Edge } from './edge.ts';
import type { RecordedTurn, Recording } from './recording.ts';

/** `plain` drafts nothing; `colocated` has the worker's drafter beside the engine; the rest are the link's modes. */
const MODES = ['plain', 'colocated', 'lockstep', 'streamed', 'echoed'] as const;
export type Mode = (typeof MODES)[number];

/** Nodes verified in a step. */
export const BUDGET = 32;
/** What drawing a tree is charged with, wherever it is drawn: several times what it takes. */
export const DRAFT_MS = 1;

const URL = 'sim://verifier';

export interface Run {
  tokens: number;
  steps: number;
  /** Of decoding, on the engine's clock: from the first step to the last, with the waits between them. */
  decodeMs: number;
  /** What the worker sent for each step, seals included, without WebSocket and TCP headers. */
  upBytes: number[];
  /** The same of each `accept`. */
  downBytes: number[];
  drafted: number;
  stale: number;
}

/** A drafter whose trees cost time on a host. */
class Charged implements Seat {
  readonly networked = null;
  private readonly inner: Seat;
  private readonly host: Host;

  constructor(inner: Seat, host: Host) {
    this.inner = inner;
    this.host = host;
  }

  begin(...prompt: Parameters<Drafter['begin']>): void {
    this.inner.begin(...prompt);
  }

  commit(tokens: Int32Array): void {
    this.inner.commit(tokens);
  }

  follow(tokens: Int32Array): void {
    this.inner.follow(tokens);
  }

  learn(spans: readonly Span[]): void {
    this.inner.learn(spans);
  }

  get recycles(): boolean {
    return this.inner.recycles;
  }

  observe(...told: Parameters<Seat['observe']>): void {
    this.inner.observe(...told);
  }

  draft(...tree: Parameters<Drafter['draft']>): void {
    this.inner.draft(...tree);
    this.host.spend(DRAFT_MS);
  }

  end(): void {
    this.inner.end();
  }
}

export async function simulate(
  recording: Recording,
  mode: Mode,
  conditions: Conditions,
  seed: number,
): Promise<Run> {
  const clock = new VirtualClock();
  const random = seeded(seed);
  const near = new Host(clock);
  /** What the worker drafts with; co-located, it stands beside the engine. */
  const edge = new Edge();
  // Recordings have no runners-up.
  const memory = new EchoMemory(null);
  const verifier = new SimulatedVerifier(clock, {
    vocabSize: recording.vocabSize,
    echo: (host) => new Charged(mode === 'colocated' ? edge : new EchoDrafter(memory), host),
  });
  const run: Run = {
    tokens: 0,
    steps: 0,
    decodeMs: 0,
    upBytes: [],
    downBytes: [],
    drafted: 0,
    stale: 0,
  };
  let connection: Connection | null = null;
  const environment: LinkEnvironment = {
    fleet: new Fleet([URL], clock, random),
    clock,
    random,
    async dial() {
      connection = await connect(clock, { near, far: verifier.host }, conditions, random);
      verifier.serve(connection.far);
      connection.far.tap = (message) => {
        if (message[0] === FrameType.accept) run.downBytes.push(message.length);
        return [message];
      };
      return connection.near;
    },
  };
  const drafter = new Charged(edge, near);
  const drafts = mode !== 'plain' && mode !== 'colocated';
  for (const turn of recording.turns) {
    const drafting: Drafting | null = drafts
      ? {
          drafter,
          tokens: turn.prompt,
          regions: turn.regions,
          spans: mode === 'echoed' ? edge.spans() : new SpanQueue(),
          trees: TREE_DELIVERY[mode],
        }
      : null;
    verifier.engine.script('', turn.prompt, turn.answer);
    await clock.run(
      answer(turn, mode, drafting, new TurnLink(environment), run, () => connection!),
    );
    run.decodeMs += verifier.engine.decodeMs;
    edge.remember(turn.answer);
  }
  await clock.run(verifier.scheduler.close());
  return run;
}

async function answer(
  { prompt, regions, answer }: RecordedTurn,
  mode: Mode,
  drafting: Drafting | null,
  link: TurnLink,
  run: Run,
  connection: () => Connection,
): Promise<void> {
  const open = openFor(prompt, regions, answer.length, modeOnTheWire(mode));
  let said = 0;
  for await (const event of runTurn(link, open, drafting)) {
    const { near } = connection();
    if (event.type === 'accept') {
      for (const token of event.tokens) {
        if (token !== answer[said])
          throw new Error(`token ${said} is ${token}, not ${answer[said]}`);
        said++;
      }
      run.steps += event.steps;
      run.drafted += event.drafted;
      run.upBytes.push(near.bytes / event.steps);
      near.bytes = 0;
    } else if (event.type === 'done') {
      run.stale += event.stale;
    } else {
      // What opening takes is not a step's.
      near.bytes = 0;
    }
  }
  if (said !== answer.length) throw new Error(`${said} of ${answer.length} tokens came`);
  run.tokens += said;
}

function modeOnTheWire(mode: Mode): DraftingMode {
  if (mode === 'plain') return 'off';
  return mode === 'colocated' ? 'echoed' : mode;
}

function openFor(
  prompt: Int32Array,
  regions: readonly Region[],
  maxTokens: number,
  drafting: DraftingMode,
): Open {
  return {
    prompt,
    settings: {
      fingerprint: FINGERPRINT,
      namespace: '',
      sampling: { seed: [1, 2], temperature: 0, topP: 1, topK: 0 },
      maxTokens,
      stopIds: [],
      drafting,
      budget: BUDGET,
      regions: regions.map(({ start, end, source }) => [start, end, source]),
      resumed: 0,
    },
  };
}

/** A small fleet on a virtual clock, for tests that need faults at exact moments. */
import { type Conditions, type Connection, connect, Host } from '../../sim/network.ts';
import { seeded } from '../../sim/random.ts';
import { FINGERPRINT, SimulatedVerifier } from '../../sim/verifier.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { Source } from '../../src/draft/source.ts';
import { SpanQueue } from '../../src/generate/span-queue.ts';
import { type Drafting, runTurn, TREE_DELIVERY } from '../../src/generate/turn.ts';
import type { LinkEvent } from '../../src/link/client.ts';
import { TurnLink } from '../../src/link/failover.ts';
import { LinkFailure } from '../../src/link/failure.ts';
import { Fleet } from '../../src/link/fleet.ts';
import type { DraftingMode, Open, Span } from '../../src/link/protocol/index.ts';
import { TurnDrafter } from '../../src/memory/turn/turn-drafter.ts';

export const VOCAB = 64;

const NETWORK: Conditions = {
  rttMs: 40,
  jitterMs: 5,
  bytesPerMs: 1250,
  stallChance: 0,
  stallMs: 0,
};

export interface Question {
  prompt: Int32Array;
  answer: Int32Array;
}

/** A prompt, and an answer that quotes it in part: drafts are right at times. */
export function question(random: () => number, answerLength: number): Question {
  const draw = (n: number) => Math.floor(random() * n);
  const prompt = Int32Array.from({ length: 80 }, () => draw(VOCAB));
  const answer: number[] = [];
  while (answer.length < answerLength) {
    const at = draw(prompt.length - 8);
    answer.push(...prompt.subarray(at, at + 2 + draw(6)), draw(VOCAB));
  }
  return { prompt, answer: Int32Array.from(answer.slice(0, answerLength)) };
}

/** Called for every event before the next one is asked for. */
export type Reader = (event: LinkEvent, world: World) => void | Promise<void>;

/** What became of a turn. */
export interface Outcome {
  text: number[];
  failure: LinkFailure | null;
  reason: string | null;
}

export class World {
  readonly clock = new VirtualClock();
  readonly random: () => number;
  readonly verifiers: SimulatedVerifier[];
  /** Those that answer no dial, and say nothing any more. */
  readonly down = new Set<number>();
  readonly connections: { verifier: number; connection: Connection }[] = [];
  /** Dials, refused ones included. */
  dials = 0;
  /** Called with every connection before it carries anything. */
  onConnect: (connection: Connection, verifier: number) => void = () => {};
  readonly conditions: Conditions;
  readonly fleet: Fleet;
  private readonly edge: Host;

  constructor({
    seed = 1,
    verifiers = 2,
    slots = 2,
    conditions = {},
  }: { seed?: number; verifiers?: number; slots?: number; conditions?: Partial<Conditions> } = {}) {
    this.random = seeded(seed);
    this.conditions = { ...NETWORK, ...conditions };
    this.edge = new Host(this.clock);
    this.verifiers = Array.from(
      { length: verifiers },
      () => new SimulatedVerifier(this.clock, { vocabSize: VOCAB, slots }),
    );
    this.fleet = new Fleet(
      this.verifiers.map((_, i) => `sim://${i}`),
      this.clock,
      this.random,
    );
  }

  link(): TurnLink {
    const { clock, random, fleet } = this;
    return new TurnLink({ fleet, clock, random, dial: (url) => this.dial(Number(url.slice(6))) });
  }

  /** A connection to verifier `index`, as the turn makes it. */
  async dial(index: number) {
    this.dials++;
    const verifier = this.verifiers[index]!;
    const hosts = { near: this.edge, far: verifier.host };
    const connection = await connect(this.clock, hosts, this.conditions, this.random);
    if (this.down.has(index)) throw new LinkFailure('unreachable', `verifier ${index} is down`);
    if (verifier.draining) throw new LinkFailure('draining', `verifier ${index} drains`);
    this.connections.push({ verifier: index, connection });
    this.onConnect(connection, index);
    verifier.serve(connection.far);
    return connection.near;
  }

  /** kill -9: nothing more comes from it, and its connections break. */
  crash(index: number): void {
    this.down.add(index);
    for (const { verifier, connection } of this.connections) {
      if (verifier === index) connection.cut();
    }
  }

  async ask(
    { prompt, answer }: Question,
    {
      mode = 'echoed' as DraftingMode,
      link = this.link(),
      read = (() => {}) as Reader,
      spans = null as Span[] | null,
      change = {} as Partial<Open['settings']>,
    } = {},
  ): Promise<Outcome> {
    for (const { engine } of this.verifiers) engine.script('', prompt, answer);
    const open: Open = { prompt, settings: { ...settings(answer.length, mode), ...change } };
    // Half of the prompt passes for a store's text, so that the worker has something to add to the echo's.
    const regions = [{ start: 0, end: prompt.length >> 1, source: Source.corpus }];
    const passage = {
      source: Source.corpus,
      begins: false,
      tokens: prompt.slice(0, prompt.length >> 1),
    };
    const queue = new SpanQueue();
    queue.push(spans ?? [passage]);
    const drafting: Drafting | null =
      mode === 'off'
        ? null
        : {
            drafter: new TurnDrafter(),
            tokens: prompt,
            regions,
            spans: queue,
            trees: TREE_DELIVERY[mode],
          };
    const outcome: Outcome = { text: [], failure: null, reason: null };
    try {
      for await (const event of runTurn(link, open, drafting)) {
        if (event.type === 'accept') outcome.text.push(...event.tokens);
        if (event.type === 'done') outcome.reason = event.reason;
        await read(event, this);
      }
    } catch (failure) {
      if (!(failure instanceof LinkFailure)) throw failure;
      outcome.failure = failure;
    }
    return outcome;
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work);
  }

  /** Lets `ms` pass. */
  pass(ms: number): Promise<void> {
    return this.clock.run(
      new Promise((resolve) => {
        this.clock.after(ms, resolve);
      }),
    );
  }

  /** Slots held anywhere. */
  get held(): number {
    return this.verifiers.reduce((sum, { engine }) => sum + engine.slotsHeld, 0);
  }
}

export function settings(maxTokens: number, drafting: DraftingMode): Open['settings'] {
  return {
    fingerprint: FINGERPRINT,
    namespace: '',
    sampling: { seed: [1, 2], temperature: 0, topP: 1, topK: 0 },
    maxTokens,
    stopIds: [],
    drafting,
    budget: 32,
    regions: [],
    resumed: 0,
  };
}

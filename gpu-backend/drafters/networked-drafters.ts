/**
 * Asks networks before a step, each for all of its sessions in one run, pass after pass: the
 * trees are drawn from what all stores say so far, their most promising nodes are
 * read, and the trees that are drawn next go on from there. So trees grow best-first
 * over few passes. A pass is made while what it should bring (`Gain`) is worth more
 * than its time, and none where the network does not pay (`Price`). A turn that insists
 * asks at any price, which is on nobody's account (`InsistedTime`). Where there are several
 * networks, a turn is given one of them, or all as one (`Ways`).
 */
import type { Clock } from '../../src/link/protocol/index.ts';
import { EchoDrafter } from './echo.ts';
import { EchoMemories } from './echo-memory.ts';
import { InsistedTime } from './insisted-time.ts';
import { loadClass } from './load-class.ts';
import type {
  LocalDrafters,
  Outcome,
  Seat,
  SeatedTurn,
  Spent,
  StepTaken,
} from './local-drafters.ts';
import type { Network, NetworkedTurn, Question } from './network.ts';
import { NetworkRecords } from './network-records.ts';
import { NetworkedSeat } from './networked-seat.ts';
import { type PlannedRun, planRun } from './planned-run.ts';
import { PreparationTime } from './preparation-time.ts';
import type { Price } from './price.ts';
import { AT_ANY_PRICE, type Terms } from './prompting.ts';
import { StateMemory } from './state-memory.ts';
import { Ways } from './ways.ts';

/** Runs before a step. */
const MAX_PASSES = 6;

/** What a step brought to those who share a price, and the milliseconds of nodes that only the network led to. */
interface Result {
  turns: number;
  extra: number;
  ms: number;
}

export interface NetworkedOptions {
  /** Asks always, so many nodes of each session in so many passes: for measuring what it brings whatever it costs. */
  always?: { passes: number; nodes: number };
}

export class NetworkedDrafters implements LocalDrafters {
  /** By way. */
  readonly spent: readonly Spent[];
  /** By way; of several the last asks all of them as one. */
  private readonly networks: readonly Network[];
  private readonly clock: Pick<Clock, 'now'>;
  private readonly options: NetworkedOptions;
  private readonly memories = new EchoMemories();
  private readonly records: NetworkRecords;
  private readonly ways: Ways;
  private readonly stateMemory = new StateMemory();
  /** Of the last preparation. */
  private readonly time = new PreparationTime();
  private readonly insisted = new InsistedTime();

  /** @param networks one, or several as `Ways` has them */
  constructor(
    networks: readonly Network[],
    clock: Pick<Clock, 'now'>,
    options: NetworkedOptions = {},
  ) {
    this.networks = networks;
    this.spent = networks.map(({ name }) => {
      const none = { steps: 0, passes: 0, milliseconds: 0, verifyMilliseconds: 0, tokens: 0 };
      return { network: name, ...none };
    });
    this.clock = clock;
    this.options = options;
    this.records = new NetworkRecords(networks.length);
    this.ways = new Ways(networks, this.records, options.always !== undefined);
  }

  seat(turn: SeatedTurn): Seat {
    const memory = this.memories.of(turn);
    // What a network brings can be counted only where every committed token is the target's own draw.
    if (turn.accept.name !== 'match') return new EchoDrafter(memory);
    const { ways } = this;
    return new NetworkedSeat(turn, ways.first(turn), memory, this.stateMemory, ways.wants);
  }

  async prepare(seats: readonly Seat[], sessions: number): Promise<void> {
    const began = this.clock.now();
    this.records.load = loadClass(sessions);
    this.time.begin();
    const turns = seats.flatMap(({ networked }) => networked ?? []);
    for (const turn of turns) this.ways.review(turn);
    this.insisted.begin(turns, sessions, (way) => this.ways.works(way));
    for (const way of this.networks.keys()) {
      const own = turns.filter((turn) => turn.way === way);
      const spent = this.spent[way]!;
      spent.steps += own.length;
      const asked = this.clock.now();
      if (this.ways.works(way)) await this.ask(way, own);
      else for (const turn of own) turn.leave();
      spent.milliseconds += this.clock.now() - asked;
    }
    this.time.end(this.clock.now() - began);
  }

  settle(outcomes: readonly Outcome[], step: StepTaken): void {
    const sum = (of: (one: Outcome) => number) => outcomes.reduce((all, one) => all + of(one), 0);
    // What the step would have committed and taken without the network.
    const tokens = step.tokens - sum((one) => one.extra);
    const plainMs = step.ms - sum((one) => one.extraMs);
    const results = new Map<Price, Result>();
    for (const { seat, extra, extraMs } of outcomes) {
      const { networked } = seat;
      if (!networked) continue;
      const spent = this.spent[networked.way]!;
      spent.tokens += extra;
      spent.verifyMilliseconds += extraMs;
      networked.prompted?.learn(extra);
      if (networked.insists) continue;
      const price = this.price(networked);
      const result = results.get(price) ?? { turns: 0, extra: 0, ms: 0 };
      result.turns++;
      result.extra += extra;
      result.ms += extraMs;
      results.set(price, result);
    }
    this.records.step();
    for (const [price, { extra, ms }] of results) {
      // What another turn insisted on is neither paid for nor gained by: only what a step takes is learned.
      const [gained, spent] = this.insisted.isTaken
        ? [0, 0]
        : [extra, ms + this.time.shareOf(price)];
      price.settle(plainMs, tokens, gained, spent, results.size);
    }
    if (!this.insisted.isTaken) {
      this.ways.compare(outcomes, plainMs, step.sessions, (turn) => {
        const price = this.price(turn);
        return this.time.shareOf(price) / results.get(price)!.turns;
      });
    }
    this.insisted.settle(step.ms, this.time.total);
    this.time.begin();
  }

  close(): void {
    for (const network of this.networks) network.close();
  }

  /** All passes of one network, for turns that it drafts for. */
  private async ask(way: number, turns: readonly NetworkedTurn[]): Promise<void> {
    const began = this.clock.now();
    // Turns that share the step wait for one run that another insists on, and no more.
    const most = this.insisted.holdsUpOthers ? 1 : MAX_PASSES;
    const passes = this.options.always?.passes ?? most;
    let asking: NetworkedTurn[] = [];
    try {
      for (const turn of turns) {
        const isAdmitted = this.admits(turn);
        // Beside a turn that insists rows would be on nobody's account.
        const pays = isAdmitted && !this.insisted.isTaken;
        turn.prompted?.offer(pays ? this.terms(turn) : null);
        if (isAdmitted) asking.push(turn);
      }
      for (let pass = 0; pass < passes && asking.length > 0; pass++) {
        asking = await this.pass(way, asking, this.clock.now() - began);
      }
    } catch (cause) {
      // The sessions go on without what it would have said.
      this.ways.failed(way, cause);
      for (const turn of asking) turn.leave();
    }
  }

  private admits(turn: NetworkedTurn): boolean {
    return this.affords(turn, 0) && turn.enter();
  }

  private affords(turn: NetworkedTurn, ms: number): boolean {
    if (this.insisted.admits(turn) || this.options.always) return true;
    return !turn.insists && this.price(turn).affords(ms);
  }

  /** What a token of the turn is worth in milliseconds: of one that insists, whatever it takes. */
  private readonly tokenMs = (turn: NetworkedTurn): number =>
    turn.insists ? Number.POSITIVE_INFINITY : this.price(turn).tokenMs;

  /** One run, after `spentMs` of others, for those of the turns that have something worth asking; those that had. */
  private async pass(
    way: number,
    turns: readonly NetworkedTurn[],
    spentMs: number,
  ): Promise<NetworkedTurn[]> {
    const network = this.networks[way]!;
    const { chosen, cost } = this.choose(network, turns, spentMs);
    const asking: NetworkedTurn[] = [];
    const questions: Question[] = [];
    for (const [turn, candidates] of chosen) {
      const question = turn.question(candidates);
      if (!question) continue;
      asking.push(turn);
      questions.push(question);
    }
    if (questions.length === 0) return [];
    const paying = asking.filter(({ insists }) => !insists);
    const prices = paying.map((turn) => this.price(turn));
    const began = this.clock.now();
    try {
      await network.read(questions);
    } finally {
      this.time.run(prices, this.clock.now() - began, cost);
    }
    this.ways.succeeded(way);
    // Prompt tokens alone cost nothing here: the target's own step has answered them.
    if (cost > 0) this.spent[way]!.passes++;
    // A session that is still catching up reads its next chunk before the next step, so that it delays nobody.
    return asking.filter((turn) => turn.behind === 0);
  }

  /** The run for those of the turns that can afford their share of it, after `spentMs` of others. */
  private choose(network: Network, turns: readonly NetworkedTurn[], spentMs: number): PlannedRun {
    const { always } = this.options;
    // To look for what to ask takes time: who can't pay for the shortest run is not looked at.
    let able = this.able(turns, spentMs + network.plan(turns.map(({ held }) => held)).cost);
    for (const turn of able) {
      if (!turn.insists) this.time.lookAt(this.price(turn));
    }
    while (able.length > 0) {
      const run = planRun(network, able, this.tokenMs, always?.nodes);
      const paying = this.able(able, spentMs + run.cost);
      if (paying.length === able.length || run.chosen.size === 0) return run;
      able = paying;
    }
    return { chosen: new Map(), cost: 0 };
  }

  /** Those who can afford an equal share of `ms`. */
  private able(turns: readonly NetworkedTurn[], ms: number): NetworkedTurn[] {
    return turns.filter((turn) => this.affords(turn, ms / turns.length));
  }

  private terms(turn: NetworkedTurn): Terms {
    return this.options.always ? AT_ANY_PRICE : this.price(turn);
  }

  private price({ namespace, way }: NetworkedTurn): Price {
    return this.records.price(namespace, way);
  }
}

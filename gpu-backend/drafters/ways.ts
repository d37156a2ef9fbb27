/**
 * The ways to draft for a turn, where there are several networks: each by itself, and all
 * as one. Which of them a turn has is chosen when it begins and from time to time
 * (`WayChoice`), by how quick the steps of its namespace were with each; before there are
 * enough of these, by those of all namespaces.
 */
import { insists, type Outcome, type SeatedTurn } from './local-drafters.ts';
import type { Network, NetworkedTurn, Way } from './network.ts';
import type { NetworkRecords } from './network-records.ts';
import { LEAST_MS } from './price.ts';
import { WayChoice } from './way-choice.ts';

/** Steps of a turn after which it may be given another way: to read a text anew takes a few. */
const STEPS_OF_A_WAY = 32;
/** The same of a way that has taken fewer than those in all: what turns out bad was tried for no longer. */
const STEPS_OF_A_TRIAL = 8;
/** Steps of a namespace before which it goes by what all namespaces found. */
const OWN_STEPS = 128;
/** A network that fails so often in a row is not asked again. */
const MAX_FAILURES = 3;

/** What of the target's step a seat takes, whichever network is asked now: another one may be later. */
export interface Wants {
  states: boolean;
  /** Prompt tokens behind a node. */
  promptPlaces: number;
}

export class Ways {
  readonly wants: Wants;
  private readonly networks: readonly Network[];
  private readonly records: NetworkRecords;
  private readonly always: boolean;
  /** In a row, by way. */
  private readonly failures: number[];
  /** What all namespaces found, by class of load: it says which network is the quicker one, and nothing else of them. */
  private readonly found: WayChoice[] = [];

  /**
   * @param networks by way; of several the last asks all of them as one
   * @param always whether all are asked, whatever that costs
   */
  constructor(networks: readonly Network[], records: NetworkRecords, always: boolean) {
    this.networks = networks;
    this.records = records;
    this.always = always;
    this.failures = networks.map(() => 0);
    this.wants = {
      states: networks.some(({ readsStates }) => readsStates),
      promptPlaces: Math.max(...networks.map(({ promptPlaces }) => promptPlaces)),
    };
  }

  get count(): number {
    return this.networks.length;
  }

  works(way: number): boolean {
    return this.failures[way]! < MAX_FAILURES;
  }

  succeeded(way: number): void {
    this.failures[way] = 0;
  }

  failed(way: number, cause: unknown): void {
    const failures = ++this.failures[way]!;
    const { name } = this.networks[way]!;
    if (failures === 1) console.error(`the draft network ${name} failed:`, cause);
    if (failures < MAX_FAILURES) return;
    console.error(
      `the draft network ${name} failed ${MAX_FAILURES} times in a row and is not asked again; ` +
        'restart the verifier to try it anew',
    );
  }

  /** The way that a turn begins with. What moves the target is what all say. */
  first(turn: SeatedTurn): Way {
    const isBound = this.isBound || insists(turn);
    return this.wayOf(turn, isBound ? this.count - 1 : this.bestOf(this.choiceOf(turn)));
  }

  /** A step of the turn is prepared: every so many it may change its way. */
  review(turn: NetworkedTurn): void {
    if (this.isBound || turn.insists) return;
    const { isReading } = turn;
    turn.isReading = false;
    if (isReading || --turn.stepsLeft > 0) return;
    turn.change(this.wayOf(turn, this.bestOf(this.choiceOf(turn))));
  }

  /**
   * Tells namespaces how quick a step was that would have taken `plainMs` without networks.
   * @param sessions that stepped
   * @param ownMs what a turn's preparation took
   */
  compare(
    outcomes: readonly Outcome[],
    plainMs: number,
    sessions: number,
    ownMs: (turn: NetworkedTurn) => number,
  ): void {
    if (this.isBound) return;
    for (const { seat, tokens, extra, extraMs } of outcomes) {
      const { networked } = seat;
      if (!networked || networked.insists || networked.isReading) continue;
      // All sessions wait for what is done for one of them.
      const ms = (extraMs + ownMs(networked)) * sessions;
      const step = {
        tokens,
        plainTokens: Math.max(1, tokens - extra),
        time: 1 + ms / Math.max(plainMs, LEAST_MS),
      };
      this.foundByAll().learn(networked.way, step);
      this.records.choice(networked.namespace).learn(networked.way, step);
    }
  }

  private get isBound(): boolean {
    return this.always || this.count === 1;
  }

  private bestOf(choice: WayChoice): number {
    return choice.best((way) => this.works(way));
  }

  private choiceOf({ namespace }: Pick<SeatedTurn, 'namespace'>): WayChoice {
    const own = this.records.choice(namespace);
    return own.total < OWN_STEPS ? this.foundByAll() : own;
  }

  private foundByAll(): WayChoice {
    const { load } = this.records;
    this.found[load] ??= new WayChoice(this.count);
    return this.found[load];
  }

  private wayOf(turn: Pick<SeatedTurn, 'namespace'>, index: number): Way {
    const { namespace } = turn;
    const isTrial = this.choiceOf(turn).stepsOf(index) < STEPS_OF_A_WAY;
    const steps = isTrial ? STEPS_OF_A_TRIAL : STEPS_OF_A_WAY;
    const gain = this.records.gain(namespace, index);
    const promptWorth = this.records.promptWorth(namespace, index);
    return { index, steps, network: this.networks[index]!, gain, promptWorth };
  }
}

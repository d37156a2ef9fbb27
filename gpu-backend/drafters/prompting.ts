/**
 * A turn's prompt tokens (PPD, 2405.18628): whether rows of them pay, and what the target
 * said at those that stood behind the token that was committed last.
 */
import {
  distributionOf,
  type ModelDistribution,
  type Sampling,
} from '../../src/draft/model-distribution.ts';
import type { Price } from './price.ts';

/** What the rows are paid by. */
export type Terms = Pick<Price, 'affords' | 'tokenMs'>;

/** For measuring what they bring whatever they cost. */
export const AT_ANY_PRICE: Terms = { affords: () => true, tokenMs: Number.MAX_VALUE };

/** What is believed before anything was heard, in tokens of a step. */
const FIRST_WORTH = 0.3;
/** Steps over which means are taken, about. */
const STEPS = 32;
/** Steps without a word from them after which what was learned counts for half, about: then they are tried again. */
const FORGETTING = 256;

/**
 * What hearing from prompt tokens brings a step, in tokens: the difference from steps
 * without it, as another network may be asked as one with them.
 */
export class PromptWorth {
  private heard = FIRST_WORTH;
  private silent = 0;

  get tokens(): number {
    return Math.max(0, this.heard - this.silent);
  }

  /** @param extra tokens of the step that are owed to the network */
  learn(extra: number, wasHeard: boolean): void {
    if (wasHeard) {
      this.heard += (extra - this.heard) / STEPS;
      return;
    }
    this.silent += (extra - this.silent) / STEPS;
    this.heard += (this.silent + FIRST_WORTH - this.heard) / FORGETTING;
  }
}

export class Prompting {
  /** Prompt tokens behind a node, at most. */
  readonly places: number;
  /** What the target said comes after the committed text, a row of logits a token, as far as it was heard of. */
  private heard: readonly { logits: Float32Array; position: number }[] = [];
  /** The same as distributions, once somebody has asked for them. */
  private told: readonly ModelDistribution[] | null = null;
  private readonly sampling: Sampling;
  /** Of the network that hears them now: another one may be asked as one with others. */
  worth: PromptWorth;
  /** Tokens of the text. */
  private length = 0;
  /** For the step to come; null where nothing may be spent. */
  private terms: Terms | null = null;
  /** Whether the target has spoken since the last commit, and since the one before. */
  private isFresh = false;
  private wasFresh = false;
  /** Whether text was committed since it learned last: at a turn's end none is. */
  private hasMoved = false;

  constructor(places: number, sampling: Sampling, worth: PromptWorth) {
    this.places = places;
    this.sampling = sampling;
    this.worth = worth;
  }

  offer(terms: Terms | null): void {
    this.terms = terms;
  }

  /**
   * Whether rows behind a node are worth their time.
   * @param last how likely the node is the last that the step commits
   * @param allMs of the turn's prompt tokens in this step, these included
   */
  pays(last: number, ms: number, allMs: number): boolean {
    const { terms } = this;
    return terms !== null && last * this.worth.tokens * terms.tokenMs > ms && terms.affords(allMs);
  }

  /** The text has become so long. What was heard of its further tokens still holds. */
  moved(length: number): void {
    this.heard = this.heard.slice(length - this.length);
    this.told = this.told?.slice(length - this.length) ?? null;
    this.length = length;
    this.wasFresh = this.isFresh;
    this.isFresh = false;
    this.hasMoved = true;
  }

  /** @param logits at the prompt tokens behind the node before the last committed token, in order; views that are copied */
  hear(logits: readonly Float32Array[]): void {
    this.heard = logits.map((own, i) => ({ logits: own.slice(), position: this.length + i }));
    this.told = null;
    this.isFresh = true;
  }

  /**
   * What comes after the committed text, a distribution a token. It is computed where a network is prepared for a
   * step, so its time is on the network's account.
   */
  get foretold(): readonly ModelDistribution[] {
    this.told ??= this.heard.map(({ logits, position }) =>
      distributionOf(logits, position, this.sampling),
    );
    return this.told;
  }

  /** A step is over that was drafted for. */
  learn(extra: number): void {
    if (!this.hasMoved) return;
    this.hasMoved = false;
    this.worth.learn(extra, this.wasFresh);
  }
}

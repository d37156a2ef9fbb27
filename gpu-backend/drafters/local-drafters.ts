/**
 * What drafts beside the engine. A turn has a seat at it, whose stores meet in one
 * arena; before a step all seats are prepared at once, so that a network reads for
 * several sessions in one run; after it each learns what the target committed.
 */
import type { Drafter, Region, TokenRange } from '../../src/draft/drafter.ts';
import type { Span } from '../../src/link/protocol/index.ts';
import type { DrawSettings } from '../accept/draw-settings.ts';
import type { NetworkedTurn } from './network.ts';
import type { Prompting } from './prompting.ts';
import type { TargetStates } from './target-states.ts';

/** What of a turn decides how it is drafted for. */
export interface SeatedTurn
  extends Pick<DrawSettings, 'prompt' | 'seed' | 'warp' | 'accept' | 'transfer'> {
  namespace: string;
  maxTokens: number;
  regions: Region[];
  /** Of documents whole in the prompt, what matches the question. */
  excerpts: TokenRange[];
  /** Whether later turns of the namespace may draft from what the target's logits show in this one. */
  remember: boolean;
}

/** Whether a network is asked for the turn at any price. At temperature 0 nothing can be moved. */
export function insists({ transfer, warp }: SeatedTurn): boolean {
  return transfer > 0 && warp.temperature > 0;
}

/** One turn's drafter beside the engine. */
export interface Seat extends Drafter {
  /** Takes in what the target committed in a step that nobody drafted for. */
  follow(tokens: Int32Array): void;
  /** Takes in what the worker shipped, at any time of the turn. */
  learn(spans: readonly Span[]): void;
  /** Whether the engine should pass top tokens to `observe`. */
  readonly recycles: boolean;
  /** What the target found likeliest after a verified `token`. Called after the step's commit, parents before children. */
  observe(token: number, successors: Int32Array): void;
  /** Takes the target's last hidden states, of the prompt's end and of all tokens behind it; absent where nobody reads them. */
  readonly states?: TargetStates | undefined;
  /** Takes what the target says at prompt tokens, and says where they pay; absent where nobody reads that. */
  readonly prompting?: Prompting | undefined;
  /** What the network asks and says of the turn; null where no network is asked. */
  readonly networked: NetworkedTurn | null;
  /** The turn is over, whatever ended it. More than once is allowed. */
  end(): void;
}

/** What became of a seat in a step. */
export interface Outcome {
  seat: Seat;
  /** Tokens committed. */
  tokens: number;
  /** Of them, how many more than without what the network said; negative where it stood in the way. */
  extra: number;
  /** Of the step's milliseconds, what the nodes took that were verified for what it said, and its prompt tokens. */
  extraMs: number;
}

/** What a network was asked so far, and what that brought. */
export interface Spent {
  /** Its name. */
  readonly network: string;
  /** Steps of turns that were prepared for it, asked or not. */
  steps: number;
  passes: number;
  /** That steps waited for it. */
  milliseconds: number;
  /** That steps took longer for the nodes that only it led to, and for its prompt tokens. */
  verifyMilliseconds: number;
  /** Tokens accepted that would not have been without it; it can fall. */
  tokens: number;
}

/** A step of all sessions, whether they were drafted for or not. */
export interface StepTaken {
  /** Preparation left out. */
  ms: number;
  sessions: number;
  /** Tokens that all of them committed. */
  tokens: number;
}

export interface LocalDrafters {
  /** By network, those that are asked as one as one more; empty where none is asked. */
  readonly spent: readonly Readonly<Spent>[];
  /** A turn's seat. */
  seat(turn: SeatedTurn): Seat;
  /**
   * Computes what the seats draft from in the step to come. Never rejects; between steps of the engine only.
   * @param sessions how many step then, whether they have a seat or not
   */
  prepare(seats: readonly Seat[], sessions: number): Promise<void>;
  /** What a step has brought to those who were prepared for it. */
  settle(outcomes: readonly Outcome[], step: StepTaken): void;
  close(): void;
}

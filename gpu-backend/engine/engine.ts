/**
 * The seam between scheduling and computing. The scheduler decides which
 * sessions step and with which trees; the engine runs the target model once
 * over all of them and keeps their KV caches.
 */

import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import { MAX_TREE_NODES } from '../../src/draft/tree/tree.ts';

/** The most rows one session may feed in a step: the last committed token and a full tree. */
export const MAX_ROWS = 1 + MAX_TREE_NODES;

/** The most `StepRow.top` may ask for: what OpenAI's `top_logprobs` allows. */
export const MAX_TOP_TOKENS = 20;

/** One session's place in the KV cache. */
export interface Slot {
  /** Tokens whose keys and values are in the cache and committed. */
  readonly length: number;
  /** Of the prompt given to `acquire`, how many tokens were there already (prefix reuse). */
  readonly cached: number;
  /** The most tokens this slot can hold, tree nodes of a step in flight included. */
  readonly capacity: number;
}

/**
 * What one session feeds into a step: `count` tokens arranged as a tree over
 * the slot's committed context. Row 0 is the last committed token whose logits
 * are not known yet (or the first of a prefill chunk); a chain has parents
 * -1, 0, 1, ….
 */
export interface StepRow {
  slot: Slot;
  count: number;
  tokens: Int32Array;
  /** Parent row of each row, smaller than its own index; -1 sees only the committed context. */
  parents: Int16Array;
  /**
   * Of the rows, how many at the front the slot's last step fed, and no commit took
   * since: they are not fed again, the others may be their children. 0 where absent.
   */
  kept?: number;
  /**
   * Of an engine whose rows read hidden states: by row, the state behind the token
   * before it, `hiddenSize` long; zeros where it is null or absent.
   */
  features?: readonly (Float32Array | null)[];
  /** First row whose logits are wanted, none of `kept`; rows before it (a prefill chunk's) are not computed. `count` for none. */
  logitsFrom: number;
  /**
   * Filled by the step: float32 logits of rows `logitsFrom..count-1`, each `vocabSize` long,
   * one after another. A view into the engine's memory, valid until the next step.
   */
  logits: Float32Array;
  /**
   * Filled by a step on a CPU: the largest logit of each block of those rows, where blocks
   * of 16 logits or more divide a row. Valid as long as `logits`.
   */
  peaks?: Float32Array;
  /** The caller reads few rows of `logits`, each after `load` where there is one: a device may keep the others. */
  selective?: boolean;
  /** Filled by a selective row's step: brings row `at` of `logits` from a device. Valid as long as they are. */
  load?: ((at: number) => void) | undefined;
  /**
   * Filled by the step of an engine that was opened with `hiddenOutput`: the last
   * hidden state of the same rows, each `hiddenSize` long. Valid as long as `logits`.
   */
  hidden?: Float32Array;
  /** Asks for so many of the most likely tokens of the same rows, 1 to `MAX_TOP_TOKENS`. */
  top?: number | undefined;
  /** Filled where `top` is asked for: ids, `top` a row, most likely first, ties by id. Valid until the row's next step. */
  topIds?: Int32Array;
}

export interface EngineLimits {
  vocabSize: number;
  /** Rows may have so many ids more, from `vocabSize` on, those of prompt tokens; none where absent. No commit takes one. */
  promptPlaces?: number;
  /** The model's longest context in tokens, prompt and output together. */
  maxContext: number;
  /** The most rows one session may feed in a step (prefill chunk or tree). */
  maxRows: number;
  /** Rows of a prompt's chunk that are fed quickest. */
  prefillRows: number;
  /** Sessions that can hold a slot at once. */
  slots: number;
  /** Whether `StepRow.top` costs next to nothing: else each row is walked over for it. */
  quickTop: boolean;
  /**
   * Whether a row's logits are the same bits as those of its path fed one token at
   * a time, in any tree, batch and cache. Where they are not they are equal to rounding.
   */
  exact: boolean;
}

/** What a check of `EngineLimits.exact` has found, over all nodes of all its trees. */
export interface Exactness {
  nodes: number;
  /** Nodes whose logits are the same bits. */
  equal: number;
  /** Of any logit of any node. */
  largestDifference: number;
}

/** Where an engine computes, and why there. */
export interface ProviderChoice {
  name: 'cpu' | 'cuda' | 'webgpu';
  why: string;
}

export interface Engine {
  readonly limits: EngineLimits;
  /** null for an engine that nobody chose a provider for. */
  readonly provider?: ProviderChoice | null;
  /** What it computes in, and keeps keys and values in. */
  readonly type?: 'float32' | 'float16';
  /** What was found when this model was first opened on this machine; null where nothing was checked. */
  readonly exactness: Exactness | null;
  /**
   * A slot for a session that will need up to `maxTokens` in all, or null when
   * none is free. Takes over the cached prefix of an earlier prompt where one
   * matches: `slot.cached` tokens of `prompt` need no prefill. At least the last
   * prompt token is always left to feed, as its logits are needed. Only prompts of
   * the same `namespace` share prefixes, so nothing can be learnt of another tenant's.
   */
  acquire(prompt: Int32Array, maxTokens: number, namespace: string): Slot | null;
  /**
   * Takes over what other slots of the namespace hold of `prompt` beyond what
   * `slot` does: turns that were acquired together and begin alike compute their
   * beginning once. Call it between steps, before the slot's rows are fed.
   */
  catchUp(slot: Slot, prompt: Int32Array): void;
  /** Gives the slot back. Its contents may serve as a prefix for later prompts. */
  release(slot: Slot): void;
  /**
   * One forward pass of the target over all rows. Rejects with ONNX Runtime's text on
   * failure, and with a RangeError for rows that it could not compute; an exact engine
   * refuses a tree that `firstAcrossPanel` finds fault with.
   */
  step(rows: readonly StepRow[]): Promise<void>;
  /**
   * Commits rows of the last step: `path` lists row indices, ascending, each the
   * parent of the next, the first with parent -1. Afterwards
   * `slot.length` has grown by `path.length`; rows not named are forgotten.
   */
  commit(slot: Slot, path: ArrayLike<number>, count: number): void;
  /**
   * A step of the sessions that hold `slots`, which begins with one row of each: what
   * it is expected to take in milliseconds, and how that grows with every further row.
   */
  plan(slots: readonly Slot[]): GrowingStep;
  /** Milliseconds that a step is expected to take whose `sessions` feed `rows` rows in all, over `context` tokens each. */
  stepCost(rows: number, sessions: number, context: number): number;
  /**
   * Times a run of `rows` rows after what an idle slot holds, which stays, and learns
   * from it. False where no slot has the room, or where other work had the cores: then
   * nothing is learned. Only between steps.
   */
  probe(rows: number): Promise<boolean>;
  close(): void;
}

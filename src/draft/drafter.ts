/**
 * The seam between what proposes tokens and what uses the proposals. Plain
 * values in, a tree out: no I/O, no clock, no randomness of its own, so that the
 * worker, the verifier's echo and the benchmarks run the same code.
 */
import type { Source } from './source.ts';
import type { TokenTree } from './tree/tree.ts';

/** A run of prompt tokens, as `[start, end)` offsets. */
export interface TokenRange {
  start: number;
  end: number;
}

/** One that came from one place. */
export interface Region extends TokenRange {
  source: Source;
}

export interface Drafter {
  /**
   * Starts a turn. State of the turn before is gone; what a drafter learns
   * across turns (weights, outputs) stays.
   */
  begin(prompt: Int32Array, regions: readonly Region[]): void;
  /** Tells the drafter what the target has committed, in order. It learns from that whom to trust. */
  commit(tokens: Int32Array): void;
  /**
   * Adds up to `budget` candidates that may follow what is committed. The tree
   * is not cleared: what other drafters put there is fused with.
   * @param least path probability below which nobody wants a candidate; where absent, the drafter's own
   */
  draft(tree: TokenTree, budget: number, least?: number): void;
}

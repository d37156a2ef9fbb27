/**
 * What changes the target's logits by what the answer says so far: penalties,
 * biases, a grammar. The walk meets the places of a tree one after the other,
 * each after the token drawn at the one before, and commits every token that
 * it draws; so a processor goes forward only and never has to take back.
 *
 *   apply, draw, advance, apply, draw, advance, … and so on over the steps
 *
 * What it does must follow from the turn's settings and the tokens it received,
 * from nothing else: then a draft can't influence the answer, and a turn that is
 * resumed elsewhere, which receives the answer so far first, continues alike.
 */
import type { TokenTree } from '../../src/draft/tree/tree.ts';

export interface LogitsProcessor {
  /**
   * Changes, in place, the logits that follow what it received so far. They are the
   * draw's own copy, so what is reported stays raw. −Infinity rules a token out;
   * one token at least must keep a finite logit.
   */
  apply(logits: Float32Array): void;
  /** `token` is committed: the next `apply` is of the place after it. */
  advance(token: number): void;
  /**
   * Sets `out[node]` for nodes of a tree after what it received so far that `apply`
   * would rule out, so that no step is spent on them; nodes below need no mark.
   * Not setting any is always right. Leaves the processor where it is.
   */
  ruleOut?(tree: TokenTree, out: Uint8Array): void;
  /** Adds nodes to a tree after what it received so far that are likely for a reason of its own. Leaves the processor where it is. */
  extend?(tree: TokenTree): void;
  /** Whether what it received so far ends the answer: nothing may follow. */
  readonly finished?: boolean;
}

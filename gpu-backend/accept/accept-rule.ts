/**
 * Which token is committed after a place of the tree that a step has verified. The walk
 * asks at the root, descends where a child carries the token, and asks again there.
 *
 * `Draw` is the default rule: the target's own draw, whatever was drafted (draw and
 * match). The others are asked for by name: those for sampled drafts keep the target's
 * distribution but not its draw, the lossy ones neither.
 */
import type { TokenTree } from '../../src/draft/tree/tree.ts';

export interface AcceptRule {
  /**
   * @param logits the target's after the place, one per vocabulary entry; not to be changed
   * @param position absolute, of the token
   * @param peaks the largest of each block of `logits`, where they are known
   * @param node the place: a node of `tree`, or `ROOT`
   */
  token(
    logits: Float32Array,
    position: number,
    peaks: Float32Array | undefined,
    tree: TokenTree,
    node: number,
  ): number;
  /** Whether nothing may follow what was committed. */
  readonly finished: boolean;
}

/**
 * What the lossy rules share: the target's own draw goes first, and only where no draft
 * carries it may the rule commit a draft in its place. Each such token is counted.
 */
import type { TokenTree } from '../../../src/draft/tree/tree.ts';
import type { AcceptRule } from '../accept-rule.ts';
import type { Draw } from '../draw.ts';

export abstract class LossyAccept implements AcceptRule {
  /** Tokens so far that were not the target's own draw. */
  deviations = 0;
  private readonly draw: Draw;

  constructor(draw: Draw) {
    this.draw = draw;
  }

  get finished(): boolean {
    return this.draw.finished;
  }

  token(
    logits: Float32Array,
    position: number,
    peaks: Float32Array | undefined,
    tree: TokenTree,
    node: number,
  ): number {
    const processed = this.draw.processed(logits);
    const own = this.draw.own(processed, position, processed === logits ? peaks : undefined);
    const drafts = tree.childTokens(node);
    const instead = drafts.length === 0 || drafts.includes(own) ? null : { drafts, own };
    const token = instead ? this.instead(processed, instead, tree, node) : own;
    if (token !== own) this.deviations++;
    this.draw.commit(token);
    return token;
  }

  /**
   * The draft to commit in place of `own`, which is none of them, or `own`.
   *
   * @param processed the target's logits as its processors leave them
   */
  protected abstract instead(
    processed: Float32Array,
    choice: { drafts: readonly number[]; own: number },
    tree: TokenTree,
    node: number,
  ): number;
}

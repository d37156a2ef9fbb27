/**
 * The walk down a verified tree. At each visited node the accept rule says which
 * token is committed; if a child carries it, descend.
 *
 * With the default rule, the target's own draw, this is draw and match: it accepts
 * with probability Σ p(children), the most any rule can for deterministic drafts, and
 * is lossless whatever was drafted.
 */
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import type { AcceptRule } from './accept-rule.ts';

/** What a step says of a tree. */
export interface StepLogits {
  /** Row r at `[r · vocabSize, (r + 1) · vocabSize)`. */
  logits: Float32Array;
  /** The largest of each block of each row, where the engine gives them. */
  peaks?: Float32Array | undefined;
  /** Brings a row of `logits` to where it is read, if it is not there. */
  load?: ((row: number) => void) | undefined;
}

export class Walk {
  /** Tokens committed by the last `descend`, in order: accepted drafts, then the target's own. */
  readonly tokens: Int32Array;
  readonly sources: Uint8Array;
  /** Rows of the step whose tokens were fed and are now committed: 0, then one per accepted draft. */
  readonly path: Int32Array;
  /** How many tokens, and as many rows: each drawn token commits the row it was drawn at. */
  count = 0;
  /** Whether the last token ends the turn. */
  stopped = false;

  constructor(maxTokens: number) {
    this.tokens = new Int32Array(maxTokens);
    this.sources = new Uint8Array(maxTokens);
    this.path = new Int32Array(maxTokens);
  }

  /**
   * @param step its logits: row 0 follows the committed text, row i + 1 follows node i
   * @param position absolute position of the first token drawn
   * @param limit the most tokens to commit, at least 1
   */
  descend(
    tree: TokenTree,
    { logits, peaks, load }: StepLogits,
    vocabSize: number,
    rule: AcceptRule,
    position: number,
    limit: number,
    stopIds: ReadonlySet<number>,
  ): void {
    this.count = 0;
    this.stopped = false;
    let node = ROOT;
    const most = Math.min(limit, this.tokens.length);
    const blocks = peaks ? (peaks.length * vocabSize) / logits.length : 0;
    while (this.count < most) {
      const row = node + 1;
      load?.(row);
      const token = rule.token(
        logits.subarray(row * vocabSize, (row + 1) * vocabSize),
        position + this.count,
        peaks?.subarray(row * blocks, (row + 1) * blocks),
        tree,
        node,
      );
      const child = tree.child(node, token);
      this.tokens[this.count] = token;
      this.sources[this.count] = child < 0 ? Source.target : tree.sources[child]!;
      this.path[this.count] = row;
      this.count++;
      if (stopIds.has(token) || rule.finished) {
        this.stopped = true;
        return;
      }
      if (child < 0) return;
      node = child;
    }
  }
}

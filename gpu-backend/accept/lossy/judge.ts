/**
 * Judge Decoding (2501.19309), lossy: a linear head on the target's last hidden state at
 * a draft says whether going on from it leaves the answer as good, whether or not the
 * target would have said so itself.
 *
 *   accept a draft where the target drew it, or where σ(w · h + b) > δ
 *
 * The head is trained on places where another token was put into an answer with a known
 * result: 1 where the result stayed (`npm run train:judge`).
 */
import type { TokenTree } from '../../../src/draft/tree/tree.ts';
import type { Draw } from '../draw.ts';
import { LossyAccept } from './lossy-accept.ts';

export interface JudgeHead {
  /** One per dimension of the hidden state. */
  weights: Float32Array;
  bias: number;
  /** δ: the probability above which a draft is good enough. */
  threshold: number;
}

/** In (0, 1). O(hidden size). */
export function judged({ weights, bias }: JudgeHead, hidden: Float32Array): number {
  let z = bias;
  for (let i = 0; i < weights.length; i++) z += weights[i]! * hidden[i]!;
  return 1 / (1 + Math.exp(-z));
}

export class JudgeAccept extends LossyAccept {
  private readonly head: JudgeHead;
  private readonly hiddenAt: (node: number) => Float32Array;

  /** @param hiddenAt the last hidden state at a node of the step's tree */
  constructor(draw: Draw, head: JudgeHead, hiddenAt: (node: number) => Float32Array) {
    super(draw);
    this.head = head;
    this.hiddenAt = hiddenAt;
  }

  /** The draft that is judged best, where it is good enough and not ruled out. */
  protected instead(
    processed: Float32Array,
    { drafts, own }: { drafts: readonly number[]; own: number },
    tree: TokenTree,
    node: number,
  ): number {
    let best = own;
    let high = this.head.threshold;
    for (const token of drafts) {
      if (processed[token] === Number.NEGATIVE_INFINITY) continue;
      const score = judged(this.head, this.hiddenAt(tree.child(node, token)));
      if (score > high) {
        high = score;
        best = token;
      }
    }
    return best;
  }
}

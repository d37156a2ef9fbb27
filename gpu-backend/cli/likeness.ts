/** How alike two models' predictions are, over the tokens of a text. */
import { argmax } from '../logits/largest.ts';

export interface Likeness {
  /** Tokens that were predicted. */
  positions: number;
  /** exp of the mean −log p of the text's own tokens: the reference's, and the other's. */
  reference: number;
  perplexity: number;
  /** Mean of Σ p · (log p − log q) in nats, p the reference's probabilities. */
  divergence: number;
  /** The share of positions whose most likely token is the same. */
  agreement: number;
}

export class LikenessTally {
  private readonly vocabSize: number;
  private positions = 0;
  private referenceLoss = 0;
  private loss = 0;
  private divergence = 0;
  private agreements = 0;

  constructor(vocabSize: number) {
    this.vocabSize = vocabSize;
  }

  /** Rows of logits of both, and the token that follows each row's; rows beyond `next` count for nothing. */
  add(reference: Float32Array, other: Float32Array, next: readonly number[]): void {
    const { vocabSize } = this;
    for (const [row, token] of next.entries()) {
      const p = reference.subarray(row * vocabSize, (row + 1) * vocabSize);
      const q = other.subarray(row * vocabSize, (row + 1) * vocabSize);
      const [pMost, qMost] = [argmax(p), argmax(q)];
      const [pTotal, qTotal] = [logSum(p, p[pMost]!), logSum(q, q[qMost]!)];
      this.positions++;
      this.referenceLoss += pTotal - p[token]!;
      this.loss += qTotal - q[token]!;
      if (pMost === qMost) this.agreements++;
      for (let i = 0; i < vocabSize; i++) {
        const logP = p[i]! - pTotal;
        this.divergence += Math.exp(logP) * (logP - (q[i]! - qTotal));
      }
    }
  }

  found(): Likeness {
    const { positions } = this;
    return {
      positions,
      reference: Math.exp(this.referenceLoss / positions),
      perplexity: Math.exp(this.loss / positions),
      divergence: this.divergence / positions,
      agreement: this.agreements / positions,
    };
  }
}

/** log Σ exp of the logits, the largest of which is `most`. */
function logSum(logits: Float32Array, most: number): number {
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return most + Math.log(sum);
}

/**
 * transformers' repetition penalty (CTRL, 1909.05858), for every token that the prompt
 * or the answer has:
 *
 *   z[x] > 0: z[x] / penalty,  else z[x] · penalty
 *
 * Above 1 it makes them less likely, below 1 likelier.
 */
import type { LogitsProcessor } from './logits-processor.ts';

export class RepetitionPenalty implements LogitsProcessor {
  private readonly penalty: number;
  private readonly said: Set<number>;

  constructor(penalty: number, prompt: Iterable<number>) {
    this.penalty = penalty;
    this.said = new Set(prompt);
  }

  /** O(distinct tokens of prompt and answer). */
  apply(logits: Float32Array): void {
    for (const token of this.said) {
      const z = logits[token]!;
      logits[token] = z > 0 ? z / this.penalty : z * this.penalty;
    }
  }

  advance(token: number): void {
    this.said.add(token);
  }
}

/**
 * OpenAI's frequency and presence penalties:
 *
 *   z[x] − count(x) · frequency − [count(x) > 0] · presence
 *
 * Counted is what the answer says, before a failover too, and not the prompt.
 */
import type { LogitsProcessor } from './logits-processor.ts';

export class Penalties implements LogitsProcessor {
  private readonly frequency: number;
  private readonly presence: number;
  private readonly counts = new Map<number, number>();

  constructor(frequency: number, presence: number) {
    this.frequency = frequency;
    this.presence = presence;
  }

  /** O(distinct tokens of the answer). */
  apply(logits: Float32Array): void {
    for (const [token, count] of this.counts) {
      logits[token]! -= count * this.frequency + this.presence;
    }
  }

  advance(token: number): void {
    this.counts.set(token, (this.counts.get(token) ?? 0) + 1);
  }
}

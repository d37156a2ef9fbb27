/**
 * The runners-up of the last logits: what the target nearly said in place of the last
 * committed token often comes right after it (LogitSpec, 2507.01449). As a store they
 * are candidates at the root; the other stores follow them like any candidate and add
 * what they know to come after. The paper looks for them in the prompt alone, and
 * takes them as they are; here the mixer learns what a rank is worth.
 */
import type { Evidence, EvidenceStore } from '../blend/evidence.ts';
import { Source } from '../source.ts';
import { RECYCLED_SUCCESSORS } from './recycled-table.ts';

/** Counts that stand for ranks, as in the recycling store. */
const RANK_COUNTS = [16, 8, 4, 3, 2, 1, 1, 1];

export class RunnerUpStore implements EvidenceStore {
  private readonly tokens = new Int32Array(RECYCLED_SUCCESSORS);
  private count = 0;
  /** The token that was drawn instead. */
  private last = -1;

  begin(prompt: Int32Array): void {
    this.count = 0;
    this.last = prompt.at(-1) ?? -1;
  }

  /** The likeliest tokens where the last committed one was drawn, that one perhaps among them. After its commit. */
  observe(likeliest: Int32Array): void {
    this.count = 0;
    for (const token of likeliest) {
      if (token !== this.last && this.count < RECYCLED_SUCCESSORS)
        this.tokens[this.count++] = token;
    }
  }

  advance(token: number): void {
    this.count = 0;
    this.last = token;
  }

  /** Of what comes after a candidate no logits are known. */
  follow(): void {}

  gather(slot: number, evidence: Evidence, store: number): void {
    if (slot !== 0 || this.count === 0) return;
    const context = evidence.open(store, 1, 0, 0, this.count);
    evidence.apart[context] = 1;
    let total = 0;
    for (let i = 0; i < this.count; i++) {
      evidence.follower(this.tokens[i]!, RANK_COUNTS[i]!, Source.recycling);
      total += RANK_COUNTS[i]!;
    }
    evidence.total[context] = total;
  }

  checkIntegrity(): void {
    if (new Set(this.tokens.subarray(0, this.count)).size !== this.count) {
      throw new Error('a runner-up stands twice');
    }
  }
}

/**
 * A, the target's own recycled guesses. As a store the ranks of a `RecycledTable`
 * become counts, and the mixer learns what a rank is worth; the fixed tree of Token
 * Recycling (2408.08696) is not needed. The table may serve several turns at once;
 * where each one stands is its store's own.
 */
import type { Evidence, EvidenceStore } from '../blend/evidence.ts';
import { Source } from '../source.ts';
import { MAX_TREE_NODES } from '../tree/tree.ts';
import { NO_SUCCESSOR, RECYCLED_SUCCESSORS, RecycledTable } from './recycled-table.ts';

/** Counts that stand for ranks: each in a bucket of its own as far as there are buckets. */
const RANK_COUNTS = [16, 8, 4, 3, 2, 1, 1, 1];
const NO_TOKEN = -1;

export class RecyclingStore implements EvidenceStore {
  readonly table: RecycledTable;
  private readonly last = new Int32Array(MAX_TREE_NODES + 1);

  constructor(table = new RecycledTable()) {
    this.table = table;
  }

  begin(prompt: Int32Array): void {
    this.last[0] = prompt.length > 0 ? prompt[prompt.length - 1]! : NO_TOKEN;
  }

  advance(token: number): void {
    this.last[0] = token;
  }

  follow(_from: number, token: number, slot: number): void {
    this.last[slot] = token;
  }

  gather(slot: number, evidence: Evidence, store: number): void {
    const successors = this.table.successorsOf(this.last[slot]!);
    if (!successors) return;
    let total = 0;
    let distinct = 0;
    const context = evidence.open(store, 1, 0, 0, 0);
    evidence.apart[context] = 1;
    for (let i = 0; i < RECYCLED_SUCCESSORS; i++) {
      const token = successors[i]!;
      if (token === NO_SUCCESSOR) break;
      evidence.follower(token, RANK_COUNTS[i]!, Source.recycling);
      total += RANK_COUNTS[i]!;
      distinct++;
    }
    if (distinct === 0) evidence.drop();
    else {
      evidence.total[context] = total;
      evidence.distinct[context] = distinct;
    }
  }

  checkIntegrity(): void {
    this.table.checkIntegrity();
  }
}

/**
 * A, the target's own recycled guesses (Token Recycling, 2408.08696): of each
 * token, the eight successors that it found likeliest when it was last verified,
 * rejected candidates included. As a store its ranks become counts, and the mixer
 * learns what a rank is worth; the paper's fixed tree is not needed.
 *
 * Outlives turns. Which tokens were verified says something about the text, so
 * one store serves one tenant and one model.
 */
import type { Evidence, EvidenceStore } from '../blend/evidence.ts';
import { Source } from '../source.ts';
import { MAX_TREE_NODES } from '../tree/tree.ts';

/** Successors kept of each token. */
export const RECYCLED_SUCCESSORS = 8;
/** Tokens whose successors are kept, 32 bytes each; beyond them, the one first met is forgotten. */
const MAX_RECYCLED_TOKENS = 1 << 15;

/** Counts that stand for ranks: each in a bucket of its own as far as there are buckets. */
const RANK_COUNTS = [16, 8, 4, 3, 2, 1, 1, 1];
const EMPTY = -1;
const INITIAL_ROWS = 256;

export class RecyclingStore implements EvidenceStore {
  private readonly rows = new Map<number, number>();
  private successors = new Int32Array(INITIAL_ROWS * RECYCLED_SUCCESSORS);
  private readonly capacity: number;
  private readonly last = new Int32Array(MAX_TREE_NODES + 1);

  constructor(capacity = MAX_RECYCLED_TOKENS) {
    if (!(capacity >= 1 && capacity <= MAX_RECYCLED_TOKENS)) {
      throw new RangeError(
        `a recycling store keeps 1 to ${MAX_RECYCLED_TOKENS} tokens, not ${capacity}`,
      );
    }
    this.capacity = capacity;
  }

  /**
   * Replaces what is known to follow `token`, likeliest first; any beyond
   * `RECYCLED_SUCCESSORS` are ignored. Call it in the tree's breadth-first order:
   * of a token verified twice, the later place wins, as published. And call it
   * after the step's commit, or the mixer would learn from a table that holds the
   * answer already. O(1).
   */
  observe(token: number, successors: ArrayLike<number>): void {
    const at = this.rowFor(token) * RECYCLED_SUCCESSORS;
    for (let i = 0; i < RECYCLED_SUCCESSORS; i++) {
      this.successors[at + i] = i < successors.length ? successors[i]! : EMPTY;
    }
  }

  begin(prompt: Int32Array): void {
    this.last[0] = prompt.length > 0 ? prompt[prompt.length - 1]! : EMPTY;
  }

  advance(token: number): void {
    this.last[0] = token;
  }

  follow(_from: number, token: number, slot: number): void {
    this.last[slot] = token;
  }

  gather(slot: number, evidence: Evidence, store: number): void {
    const row = this.rows.get(this.last[slot]!);
    if (row === undefined) return;
    const at = row * RECYCLED_SUCCESSORS;
    let total = 0;
    let distinct = 0;
    const context = evidence.open(store, 1, 0, 0, 0);
    evidence.apart[context] = 1;
    for (let i = 0; i < RECYCLED_SUCCESSORS; i++) {
      const token = this.successors[at + i]!;
      if (token < 0) continue;
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

  /** Tokens whose successors are kept. */
  get size(): number {
    return this.rows.size;
  }

  get bytes(): number {
    return this.successors.byteLength + 32 * this.rows.size;
  }

  /** Throws unless every token kept has a row of its own. For tests; O(size). */
  checkIntegrity(): void {
    if (this.size > this.capacity) throw new Error(`${this.size} tokens, not ${this.capacity}`);
    const taken = new Set(this.rows.values());
    if (taken.size !== this.size) throw new Error('two tokens share a row');
    for (const row of taken) {
      if (!(row >= 0 && row < this.size)) throw new Error(`row ${row} of ${this.size}`);
    }
    if (this.successors.length < this.size * RECYCLED_SUCCESSORS) {
      throw new Error(`${this.successors.length} successors are too few for ${this.size} rows`);
    }
  }

  private rowFor(token: number): number {
    const known = this.rows.get(token);
    if (known !== undefined) return known;
    let row = this.rows.size;
    if (row === this.capacity) {
      const [oldest, itsRow] = this.rows.entries().next().value!;
      this.rows.delete(oldest);
      row = itsRow;
    }
    this.rows.set(token, row);
    if (row * RECYCLED_SUCCESSORS === this.successors.length) {
      const larger = new Int32Array(2 * this.successors.length);
      larger.set(this.successors);
      this.successors = larger;
    }
    return row;
  }
}

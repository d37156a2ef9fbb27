/**
 * Of each token, the eight successors that the target found likeliest when it was
 * last verified, rejected candidates included (Token Recycling, 2408.08696).
 *
 * Outlives turns. Which tokens were verified says something about the text, so
 * one table serves one tenant and one model.
 */

/** Successors kept of each token. */
export const RECYCLED_SUCCESSORS = 8;
/** Tokens whose successors are kept, 32 bytes each; beyond them, the one first met is forgotten. */
const MAX_RECYCLED_TOKENS = 1 << 15;
/** Stands for "no further successor". */
export const NO_SUCCESSOR = -1;
const INITIAL_ROWS = 256;

export class RecycledTable {
  private readonly rows = new Map<number, number>();
  private successors = new Int32Array(INITIAL_ROWS * RECYCLED_SUCCESSORS);
  private readonly capacity: number;

  constructor(capacity = MAX_RECYCLED_TOKENS) {
    if (!(capacity >= 1 && capacity <= MAX_RECYCLED_TOKENS)) {
      throw new RangeError(
        `a recycled table keeps 1 to ${MAX_RECYCLED_TOKENS} tokens, not ${capacity}`,
      );
    }
    this.capacity = capacity;
  }

  /**
   * Replaces what is known to follow `token`, likeliest first; any beyond
   * `RECYCLED_SUCCESSORS` are ignored. Call it in the tree's breadth-first order:
   * of a token verified twice, the later place wins, as published. And call it
   * after the step's commit, or a mixer would learn from a table that holds the
   * answer already. O(1).
   */
  observe(token: number, successors: ArrayLike<number>): void {
    const at = this.rowFor(token) * RECYCLED_SUCCESSORS;
    for (let i = 0; i < RECYCLED_SUCCESSORS; i++) {
      this.successors[at + i] = i < successors.length ? successors[i]! : NO_SUCCESSOR;
    }
  }

  /** `RECYCLED_SUCCESSORS` ids, likeliest first, `NO_SUCCESSOR` behind the last; null for a token never verified. Valid until the next `observe`. */
  successorsOf(token: number): Int32Array | null {
    const row = this.rows.get(token);
    if (row === undefined) return null;
    return this.successors.subarray(row * RECYCLED_SUCCESSORS, (row + 1) * RECYCLED_SUCCESSORS);
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

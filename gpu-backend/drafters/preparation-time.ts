/**
 * What a preparation took, and whose time it was: a run is shared by those who were
 * asked in it, and all else by those who were looked at for what to ask.
 */
import { MOST_OVER, type Price } from './price.ts';

export class PreparationTime {
  /** From its beginning to its end, in milliseconds; 0 before the end. */
  total = 0;
  private runs = 0;
  private readonly lookedAt = new Set<Price>();
  private readonly shares = new Map<Price, number>();

  begin(): void {
    this.total = 0;
    this.runs = 0;
    this.lookedAt.clear();
    this.shares.clear();
  }

  lookAt(price: Price): void {
    this.lookedAt.add(price);
  }

  /** A run took `ms` where `expected` were expected. One that takes far longer counts as three times that. */
  run(asked: ReadonlySet<Price>, ms: number, expected: number): void {
    this.runs += ms;
    const counted = Math.min(ms, MOST_OVER * expected);
    for (const price of asked) {
      this.shares.set(price, (this.shares.get(price) ?? 0) + counted / asked.size);
    }
  }

  end(total: number): void {
    this.total = total;
  }

  /** In milliseconds. */
  shareOf(price: Price): number {
    const looking = this.lookedAt.has(price) ? (this.total - this.runs) / this.lookedAt.size : 0;
    return looking + (this.shares.get(price) ?? 0);
  }
}

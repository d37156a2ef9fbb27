/**
 * What a preparation took, and whose time it was: the turns that were asked in a run
 * share it, and those that were looked at for what to ask share all else.
 */
import { MOST_OVER, type Price } from './price.ts';

export class PreparationTime {
  /** From its beginning to its end, in milliseconds; 0 before the end. */
  total = 0;
  private runs = 0;
  /** Turns that were looked at, by their price. */
  private readonly lookedAt = new Map<Price, number>();
  private lookedAtTurns = 0;
  private readonly shares = new Map<Price, number>();
  /** Whether the last run took far longer than expected. */
  private wasOver = false;

  begin(): void {
    this.total = 0;
    this.runs = 0;
    this.lookedAt.clear();
    this.lookedAtTurns = 0;
    this.shares.clear();
  }

  /** @param price that of a turn */
  lookAt(price: Price): void {
    this.lookedAt.set(price, (this.lookedAt.get(price) ?? 0) + 1);
    this.lookedAtTurns++;
  }

  /**
   * A run for turns of these prices took `ms` where `expected` were expected. One that
   * takes far longer counts as three times that, where the one before it did not.
   */
  run(prices: readonly Price[], ms: number, expected: number): void {
    this.runs += ms;
    const most = MOST_OVER * expected;
    const counted = ms > most && !this.wasOver ? most : ms;
    this.wasOver = ms > most;
    for (const price of prices) {
      this.shares.set(price, (this.shares.get(price) ?? 0) + counted / prices.length);
    }
  }

  end(total: number): void {
    this.total = total;
  }

  /** In milliseconds. */
  shareOf(price: Price): number {
    const turns = this.lookedAt.get(price) ?? 0;
    const looking = turns > 0 ? ((this.total - this.runs) * turns) / this.lookedAtTurns : 0;
    return looking + (this.shares.get(price) ?? 0);
  }
}

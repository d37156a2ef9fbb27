/**
 * Which of several networks is asked for a turn, or whether all of them are asked as
 * one. What a node brings and what a pass takes differ by text, by machine and by load, so
 * a namespace tries each way and keeps to the one by which its answers were quickest.
 * The rule is the discounted upper confidence bound (Garivier and Moulines, 0805.3415,
 * section 2): of old steps little counts, so a way that did badly is tried again.
 */

/**
 * What a step's weight is by the time of the next one: some 2,000 of them count. A way by
 * which answers take a third longer is then given one step in a hundred.
 */
const DISCOUNT = 1 - 1 / 2048;
/** How far a way that was seldom tried is believed to be better than it looked, as a share of plain decoding's speed. */
const BONUS = 0.4;

/** A turn's step. */
export interface WayStep {
  /** What it committed, and what it would have without the network. */
  tokens: number;
  plainTokens: number;
  /** What it took, in units of a step without the network. */
  time: number;
}

export class WayChoice {
  /** Of each way, discounted: its steps, and the sums of what they committed, would have committed, and took. */
  private readonly steps: Float64Array;
  private readonly tokens: Float64Array;
  private readonly plainTokens: Float64Array;
  private readonly time: Float64Array;

  constructor(ways: number) {
    this.steps = new Float64Array(ways);
    this.tokens = new Float64Array(ways);
    this.plainTokens = new Float64Array(ways);
    this.time = new Float64Array(ways);
  }

  /** Steps that count. */
  get total(): number {
    return this.steps.reduce((sum, steps) => sum + steps, 0);
  }

  /** Those that count of one way. */
  stepsOf(way: number): number {
    return this.steps[way]!;
  }

  /** Of the ways that work one that was never tried, else the one with the highest bound. */
  best(works: (way: number) => boolean): number {
    const { total } = this;
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (const [way, steps] of this.steps.entries()) {
      if (!works(way)) continue;
      if (steps === 0) return way;
      const bound = this.speed(way) + BONUS * Math.sqrt(Math.log(Math.max(1, total)) / steps);
      if (bound <= highest) continue;
      highest = bound;
      best = way;
    }
    return best;
  }

  learn(way: number, { tokens, plainTokens, time }: WayStep): void {
    for (const sums of [this.steps, this.tokens, this.plainTokens, this.time]) {
      for (let i = 0; i < sums.length; i++) sums[i]! *= DISCOUNT;
    }
    this.steps[way]! += 1;
    this.tokens[way]! += tokens;
    this.plainTokens[way]! += plainTokens;
    this.time[way]! += time;
  }

  /** Of answers, as a multiple of what they have without a network. */
  private speed(way: number): number {
    return (this.tokens[way]! / this.plainTokens[way]!) * (this.steps[way]! / this.time[way]!);
  }
}

/**
 * How long steps without drafts really take, against what the cost model expects of
 * them: what drafting is compared with. Measured on steps that draft nothing; where
 * there are none by themselves, one is due now and then.
 */

/** Of so many plain steps the median counts: some that something disturbed do not. */
const KEPT = 9;
/** Of plain steps in a row one in so many is kept: what disturbs one disturbs its neighbours. */
const SPACING = 8;
/** Steps with drafts before a plain one is due, doubled each time up to the longest. */
const FIRST_INTERVAL = 4;
/** While drafting gains little, and while it gains so much that no error about plain steps could matter. */
const LONGEST_INTERVAL = 32;
const LONGEST_CLEAR_INTERVAL = 256;
/** Tokens per time against plain steps that count as so much, and the weight of a step in their average. */
const CLEAR_GAIN = 1.5;
const SMOOTHING = 0.1;

export class PlainPace {
  private readonly ratios: number[] = [];
  private sincePlain = 0;
  private sinceKept = 0;
  private interval = FIRST_INTERVAL;
  private gain = 1;

  /** What plain steps took over what was expected of them; 1 before there was one. */
  get ratio(): number {
    return this.ratios.toSorted((a, b) => a - b)[this.ratios.length >> 1] ?? 1;
  }

  /** Whether the next step should draft nothing. */
  get due(): boolean {
    return this.ratios.length === 0 || this.sincePlain >= this.interval;
  }

  /** A step without drafts took `ratio` × what was expected. */
  plain(ratio: number): void {
    if (this.due && this.ratios.length > 0) this.interval *= 2;
    this.sincePlain = 0;
    if (++this.sinceKept < SPACING && this.ratios.length > 0) return;
    this.sinceKept = 0;
    this.ratios.push(ratio);
    if (this.ratios.length > KEPT) this.ratios.shift();
  }

  /** A step with drafts committed `gain` × as many tokens per time as a plain one. */
  drafted(gain: number): void {
    this.gain += SMOOTHING * (gain - this.gain);
    const longest = this.gain > CLEAR_GAIN ? LONGEST_CLEAR_INTERVAL : LONGEST_INTERVAL;
    this.interval = Math.min(this.interval, longest);
    this.sincePlain++;
    this.sinceKept++;
  }
}

/**
 * Whether asking a network pays, by measured time and accepted tokens: an allowance
 * in plain terms of time. Every step adds a small share of itself, what the network
 * brought is added, and the time that it took is taken off. It is asked while there is
 * an allowance. So whatever it promises it can't cost more than the share and what it
 * was given to begin with, and one that pays is asked always.
 */

/** Share of all time that may be lost on a network that brings nothing. */
const LOSS_SHARE = 0.004;
/** Steps' worth of time to begin with: enough to read a prompt and to be tried for a while. */
const FIRST_ALLOWANCE = 8;
/** Savings at most: what went well for long does not pay for a long loss. */
const MOST_SAVED = 24;
/** Weight of a step in the averages. */
const SMOOTHING = 0.05;

export class Price {
  /** In steps. */
  private allowance = FIRST_ALLOWANCE;
  private stepMs = 0;
  private tokensOfStep = 1;

  /** Whether `ms` may be spent on the network before the next step: nothing before one has shown what time is worth. */
  affords(ms: number): boolean {
    return this.stepMs > 0 && this.allowance * this.stepMs >= ms;
  }

  /** Milliseconds that a token is worth: what committing it otherwise takes. */
  get tokenMs(): number {
    return this.stepMs / this.tokensOfStep;
  }

  /**
   * A step of `stepMs` committed `tokens` tokens of all sessions, `extra` of them
   * thanks to the network, which took `spentMs`.
   */
  settle(stepMs: number, tokens: number, extra: number, spentMs: number): void {
    const weight = this.stepMs === 0 ? 1 : SMOOTHING;
    this.stepMs += weight * (stepMs - this.stepMs);
    this.tokensOfStep += weight * (tokens - this.tokensOfStep);
    const gain = extra / this.tokensOfStep - spentMs / Math.max(this.stepMs, 1e-3);
    this.allowance = Math.min(MOST_SAVED, this.allowance + LOSS_SHARE + gain);
  }
}

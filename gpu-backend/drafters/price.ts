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
/** The same for all namespaces together: however many come, so much may be lost on trying. */
const MOST_TRIALS = 64;
/** Savings at most: what went well for long does not pay for a long loss. */
const MOST_SAVED = 24;
/** Weight of a step in the averages. */
const SMOOTHING = 0.05;

/** What namespaces are given to begin with, out of one purse that all steps refill. */
export class Trials {
  /** In steps. */
  private left = MOST_TRIALS;

  begin(): Price {
    const given = Math.min(FIRST_ALLOWANCE, this.left);
    this.left -= given;
    return new Price(given);
  }

  step(): void {
    this.left = Math.min(MOST_TRIALS, this.left + LOSS_SHARE);
  }
}

export class Price {
  /** In steps. */
  private allowance: number;
  private stepMs = 0;
  private tokensOfStep = 1;

  constructor(allowance = FIRST_ALLOWANCE) {
    this.allowance = allowance;
  }

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

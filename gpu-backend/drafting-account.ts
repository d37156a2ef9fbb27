/**
 * What drafting has brought and cost, kept so that it can't lose for long whatever
 * the estimates behind it say. The unit is the time of a plain step of the same
 * sessions: each token beyond a session's own saves its share of one, and the time
 * that the step took longer is paid. An account that is overdrawn pauses drafting for
 * so many steps that the loss is a small share of them; each trial that loses again
 * doubles the pause.
 */

/** Lost in a row before drafting pauses. */
const OVERDRAFT = 1;
/** Credit saved up at most: what went well once does not pay for a long loss. */
const SAVINGS = 2;
/** Share of the time that trials may lose. */
const ALLOWANCE = 0.01;
const LEAST_PAUSE = 32;
const LONGEST_PAUSE = 4096;

export class DraftingAccount {
  private balance = 0;
  /** Steps until the next trial; 0 while drafting is on. */
  private pause = 0;
  private failedTrials = 0;

  get paused(): boolean {
    return this.pause > 0;
  }

  /** A step in which nothing was drafted. */
  rest(): void {
    if (this.pause === 0) return;
    this.pause--;
    if (this.pause === 0) this.balance = 0;
  }

  /** A step with drafts; `gain` in plain steps, negative where it cost more than it brought. */
  settle(gain: number): void {
    this.balance = Math.min(SAVINGS, this.balance + gain);
    if (this.balance === SAVINGS) this.failedTrials = 0;
    if (this.balance > -OVERDRAFT) return;
    const steps = (-this.balance / ALLOWANCE) * 2 ** this.failedTrials;
    this.pause = Math.min(LONGEST_PAUSE, Math.max(LEAST_PAUSE, Math.ceil(steps)));
    this.failedTrials++;
  }
}

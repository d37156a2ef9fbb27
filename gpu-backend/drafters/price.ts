/**
 * Whether asking a network pays, by measured time and accepted tokens: an allowance
 * in plain terms of time. Every step adds a small share of itself, what the network
 * brought is added, and the time that it and the nodes of its words took is taken off.
 * It is asked while there is an allowance. So whatever it promises it can't cost more
 * than the share and what it was given to begin with, and one that pays is asked always.
 */

/** Share of all time that may be lost on a network that brings nothing. */
const LOSS_SHARE = 0.004;
/** Steps' worth of time that a namespace begins with: enough to read a prompt and to be tried for a while. */
const FIRST_ALLOWANCE = 8;
/** Steps' worth of stakes that may be out or lost at once, over all namespaces, for each way. */
const MOST_TRIALS = 64;
/** Savings and debts at most: what went well for long does not pay for a long loss, nor a hang for ever. */
const MOST_SAVED = 24;
/** Weight of a step in the averages. */
const SMOOTHING = 0.05;
/** What takes longer than so many times what was expected counts as if it took that: a first run, or a hiccup. */
export const MOST_OVER = 3;
/** Milliseconds of a step at least: a clock may stand still. */
export const LEAST_MS = 1e-3;

/** What all namespaces try networks with: one purse, which all steps refill. */
export class Purse {
  private readonly most: number;
  /** In steps. */
  private left: number;

  constructor(networks = 1) {
    this.most = this.left = MOST_TRIALS * networks;
  }

  /** A whole stake, or nothing. */
  get offer(): number {
    return this.left >= FIRST_ALLOWANCE ? FIRST_ALLOWANCE : 0;
  }

  take(): number {
    const taken = this.offer;
    this.left -= taken;
    return taken;
  }

  give(steps: number): void {
    this.left = Math.min(this.most, this.left + steps);
  }

  step(): void {
    this.give(LOSS_SHARE);
  }
}

/**
 * What a namespace may lose on trying, out of the purse: one stake, whatever the load. It
 * is taken when there is a loss to cover, so who does not try leaves it to others. In steps.
 */
export class Stake {
  private readonly purse: Purse;
  private taken = 0;
  private rest = 0;
  /** Whether one may be taken. */
  private open = false;

  constructor(purse: Purse) {
    this.purse = purse;
  }

  get left(): number {
    return this.open ? this.purse.offer : this.rest;
  }

  /** One may be taken, where none is out. */
  allow(): void {
    this.open = this.taken === 0;
  }

  /** The savings left after the stake covered a loss, or after it went back out of them. */
  balance(saved: number): number {
    if (saved < 0) {
      if (this.open) this.take();
      const covered = Math.min(-saved, this.rest);
      this.rest -= covered;
      return saved + covered;
    }
    if (this.taken === 0 || saved < this.taken) return saved;
    const lost = this.taken - this.rest;
    this.purse.give(this.taken);
    this.taken = this.rest = 0;
    return saved - lost;
  }

  private take(): void {
    this.taken = this.rest = this.purse.take();
    this.open = this.taken === 0;
  }
}

/** Whether asking pays at one class of load, for a namespace. */
export class Price {
  /** In steps, beside the stake; below nothing where more was lost. */
  private allowance = 0;
  private readonly stake: Stake;
  private stepMs = 0;
  private tokensOfStep = 1;

  /** A new price may be tried: where the namespace has earned its last stake, it takes another. */
  constructor(stake: Stake) {
    this.stake = stake;
    stake.allow();
  }

  /** Whether `ms` may be spent on the network before the next step: nothing before one has shown what time is worth. */
  affords(ms: number): boolean {
    return this.stepMs > 0 && (this.allowance + this.stake.left) * this.stepMs >= ms;
  }

  /** Milliseconds that a token is worth: what committing it without the network takes. */
  get tokenMs(): number {
    return this.stepMs / this.tokensOfStep;
  }

  /**
   * A step that would have taken `stepMs` and committed `tokens` tokens of all sessions
   * without the network committed `extra` more thanks to it. The network and the nodes
   * that it led to took `spentMs`.
   * @param shared prices that the step's allowance is divided among
   */
  settle(stepMs: number, tokens: number, extra: number, spentMs: number, shared = 1): void {
    const isFirst = this.stepMs === 0;
    const weight = isFirst ? 1 : SMOOTHING;
    const took = isFirst ? stepMs : Math.min(stepMs, MOST_OVER * this.stepMs);
    this.stepMs += weight * (took - this.stepMs);
    // A step commits a token at least.
    this.tokensOfStep += weight * (Math.max(1, tokens) - this.tokensOfStep);
    const gained = extra / this.tokensOfStep;
    const spent = spentMs / Math.max(this.stepMs, LEAST_MS);
    const due = this.allowance + LOSS_SHARE / shared + gained - spent;
    const saved = Math.max(-MOST_SAVED, Math.min(MOST_SAVED, due));
    this.allowance = this.stake.balance(saved);
  }
}

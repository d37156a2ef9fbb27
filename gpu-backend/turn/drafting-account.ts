/**
 * What drafting has brought and cost, kept so that it can't lose for long whatever
 * the estimates behind it say. The unit is the time of a plain step of the same
 * sessions: each token beyond a session's own saves its share of one, and the time
 * that the step took longer is paid. An account that is overdrawn pauses drafting;
 * each trial that fails again doubles the pause.
 *
 * A large tree that was worth its price on average is lost as a whole now and then,
 * so what may be lost in a row grows with what steps are expected to cost. Who
 * believes that they cost nothing may lose least.
 *
 * Where no candidate is worth a node for long, drawing them is all that drafting does:
 * then only one step in many looks for some.
 */

/** Plain steps that may be lost in a row: one, and two for each that a step with drafts was expected to take beyond a plain one. */
const OVERDRAFT = 1;
const OVERDRAFT_STAKES = 2;
/** Savings at most, in overdrafts: what went well for long does not pay for a long loss. */
const SAVINGS = 2;
/** What is left, after each step, of the largest stake. */
const STAKE_MEMORY = 0.95;
/** A first pause is so long that the loss was this share of it. */
const LOSS_SHARE = 0.05;
const LEAST_PAUSE = 32;
/** An answer long: where drafting loses a little, whoever drafts well must not wait for longer. */
export const LONGEST_PAUSE = 64;

/** Steps in a row without a node, after which drafting rests for so many after each that has none. */
const FRUITLESS = 16;
const FRUITLESS_REST = 8;

/** Nodes of a session's tree in a trial: what a step of more would lose, no pause of that length makes up for. */
const TRIAL_NODES = 8;

export class DraftingAccount {
  private balance = 0;
  /** Largest of late, in plain steps. */
  private stake = 0;
  /** Steps until the next trial; 0 while drafting is on. */
  private pause = 0;
  private failedTrials = 0;
  /** Steps in a row for which candidates were drawn, and none was verified. */
  private fruitless = 0;

  get paused(): boolean {
    return this.pause > 0;
  }

  /** Nodes that a session's tree may have: few until a trial after a loss has paid. */
  get mostNodes(): number {
    return this.failedTrials > 0 ? TRIAL_NODES : Number.POSITIVE_INFINITY;
  }

  /** A step in which nothing was drafted. */
  rest(): void {
    if (this.pause > 0) this.pause--;
  }

  /**
   * A step that was drafted for verified so many nodes, was expected to cost `stake`
   * plain steps more than one, and gained so many; negative where it lost.
   */
  settle(gain: number, stake: number, nodes: number): void {
    this.fruitless = nodes > 0 ? 0 : this.fruitless + 1;
    if (this.fruitless >= FRUITLESS) this.pause = FRUITLESS_REST;
    this.stake = Math.max(stake, this.stake * STAKE_MEMORY);
    const overdraft = OVERDRAFT + OVERDRAFT_STAKES * this.stake;
    this.balance += gain;
    if (this.balance >= SAVINGS * overdraft) {
      this.balance = SAVINGS * overdraft;
      this.failedTrials = 0;
    }
    if (this.balance > -overdraft) return;
    const steps = Math.max(LEAST_PAUSE, -this.balance / LOSS_SHARE) * 2 ** this.failedTrials;
    this.pause = Math.min(LONGEST_PAUSE, Math.ceil(steps));
    this.failedTrials++;
    this.balance = 0;
  }
}

/**
 * How long turns that insist on their network may hold up others. Beside others their runs
 * take a bounded share of the steps' time; by themselves they hold up nobody.
 */
import type { NetworkedTurn } from './network.ts';

/** Of the time of steps. */
const SHARE = 0.5;
/** Steps' worth of that share which is saved up at most. */
const MOST_SAVED = 8;

export class InsistedTime {
  /** Whether a turn insists in the step that is prepared: what such a step takes says nothing of what pays. */
  isTaken = false;
  /** Whether only turns that insist step. */
  private alone = false;
  /** Milliseconds that may still be taken; below 0 turns wait until others' steps made up for it. */
  private left = 0;

  /**
   * A step of `sessions` is prepared.
   * @param works whether a network can be asked, by way
   */
  begin(turns: readonly NetworkedTurn[], sessions: number, works: (way: number) => boolean): void {
    this.alone = turns.filter(({ insists }) => insists).length === sessions;
    this.isTaken = turns.some((turn) => works(turn.way) && this.admits(turn));
  }

  /** Whether the turn insists, and may now. */
  admits({ insists }: Pick<NetworkedTurn, 'insists'>): boolean {
    return insists && (this.alone || this.left >= 0);
  }

  /** Whether turns that don't insist wait for one that does. */
  get holdsUpOthers(): boolean {
    return this.isTaken && !this.alone;
  }

  /** The step took `stepMs`, and its preparation `preparedMs`. */
  settle(stepMs: number, preparedMs: number): void {
    if (this.holdsUpOthers) this.left -= preparedMs;
    this.left = Math.min(MOST_SAVED * stepMs, this.left + SHARE * stepMs);
  }
}

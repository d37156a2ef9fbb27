/** How often and how soon to try again: enough to ride out a restart, too little to make an outage worse. */

/** Retries saved up at most, and at the start. */
export const RETRY_BURST = 10;
/** Retries earned by each turn: under load at most about one turn in five is tried again. */
export const RETRIES_PER_TURN = 0.2;
/** Retries earned each second besides: a quiet service can always afford some. */
export const RETRIES_PER_SECOND = 2;

/** A budget as in Finagle: a share of the traffic, and a little regardless of it. */
export class RetryBudget {
  private saved = RETRY_BURST;
  private at: number;

  /** `now` in milliseconds. */
  constructor(now: number) {
    this.at = now;
  }

  /** A turn began. */
  earn(): void {
    this.save(RETRIES_PER_TURN);
  }

  /** False when too many were spent lately: fail now instead. */
  spend(now: number): boolean {
    this.save((Math.max(0, now - this.at) / 1000) * RETRIES_PER_SECOND);
    this.at = now;
    if (this.saved < 1) return false;
    this.saved--;
    return true;
  }

  private save(retries: number): void {
    this.saved = Math.min(RETRY_BURST, this.saved + retries);
  }
}

export const BACKOFF_BASE_MS = 100;
export const BACKOFF_CAP_MS = 2_000;

/** Full jitter: anywhere between nothing and an exponentially growing bound, so that no two workers move in step. */
export function backoff(round: number, random: () => number): number {
  return random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** round);
}

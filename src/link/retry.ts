/** How often and how soon to try again: enough to ride out a restart, too little to make an outage worse. */

/** Retries saved up at most, and at the start. */
export const RETRY_BURST = 10;
/** Retries earned by each turn: in the long run at most one turn in five is tried again (Envoy's retry budget). */
export const RETRIES_PER_TURN = 0.2;

export class RetryBudget {
  private saved = RETRY_BURST;

  /** A turn began. */
  earn(): void {
    this.saved = Math.min(RETRY_BURST, this.saved + RETRIES_PER_TURN);
  }

  /** False when too many were spent lately: fail now instead. */
  spend(): boolean {
    if (this.saved < 1) return false;
    this.saved--;
    return true;
  }
}

export const BACKOFF_BASE_MS = 100;
export const BACKOFF_CAP_MS = 2_000;

/** Full jitter: anywhere between nothing and an exponentially growing bound, so that no two workers move in step. */
export function backoff(round: number, random: () => number): number {
  return random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** round);
}

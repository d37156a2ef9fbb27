/**
 * Rate and concurrency of one key. The rate is a token bucket that holds a
 * minute's requests and fills evenly; concurrency is counted in leases that end
 * by themselves, in case a release is lost. The clock is the caller's.
 */
const MINUTE_MS = 60_000;
/** Longer than any answer takes. */
export const LEASE_MS = 10 * MINUTE_MS;

export interface KeyLimits {
  requestsPerMinute: number;
  /** Requests answered at the same time. */
  concurrency: number;
}

export interface Verdict {
  /** Null: refused. Else to be given back when the answer has been sent. */
  lease: number | null;
  refusal: 'rate' | 'concurrency' | null;
  /** Requests left in the bucket. */
  remaining: number;
  /** Until the bucket is full. */
  resetMs: number;
  /** Until a refused request may come again. */
  retryAfterMs: number;
}

export class RequestMeter {
  private level = 0;
  private filledAt = -1;
  private nextLease = 1;
  /** When each lease ends, oldest first. */
  private readonly leases = new Map<number, number>();

  admit({ requestsPerMinute, concurrency }: KeyLimits, now: number): Verdict {
    this.fill(requestsPerMinute, now);
    this.expire(now);
    const perRequestMs = MINUTE_MS / requestsPerMinute;
    const busy = this.leases.size >= concurrency;
    const empty = this.level < 1;
    let lease: number | null = null;
    if (!busy && !empty) {
      this.level--;
      lease = this.nextLease++;
      this.leases.set(lease, now + LEASE_MS);
    }
    return {
      lease,
      refusal: empty ? 'rate' : busy ? 'concurrency' : null,
      remaining: Math.floor(this.level),
      resetMs: (requestsPerMinute - this.level) * perRequestMs,
      retryAfterMs: empty ? (1 - this.level) * perRequestMs : busy ? BUSY_RETRY_MS : 0,
    };
  }

  release(lease: number): void {
    this.leases.delete(lease);
  }

  private fill(requestsPerMinute: number, now: number): void {
    const elapsed = this.filledAt < 0 ? MINUTE_MS : Math.max(0, now - this.filledAt);
    const filled = this.level + (elapsed * requestsPerMinute) / MINUTE_MS;
    this.level = Math.min(requestsPerMinute, filled);
    this.filledAt = now;
  }

  private expire(now: number): void {
    for (const [lease, end] of this.leases) {
      if (end > now) return;
      this.leases.delete(lease);
    }
  }
}

/** When an answer under way will end is not known: about as long as a short one takes. */
const BUSY_RETRY_MS = 1_000;

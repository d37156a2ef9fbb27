/**
 * Rate and concurrency of one key. The rate is a token bucket that holds a
 * minute's requests and fills evenly; concurrency is counted in leases that end
 * unless they are renewed, in case a release is lost. The clock is the caller's.
 */
import type { KeyLimits, Verdict } from '../store/objects/limiter.ts';

const MINUTE_MS = 60_000;
/** What a request that vanished without a word still counts for. */
export const LEASE_MS = 2 * MINUTE_MS;
/** When an answer under way will end is not known: about as long as a short one takes. */
export const BUSY_RETRY_MS = 1_000;

interface Lease {
  ends: number;
  /** Answers that its request has under way. */
  answers: number;
}

export class RequestMeter {
  private level = 0;
  private filledAt = -1;
  /** From anywhere: a lease of before a restart is none of those after it. */
  private nextLease = Math.floor(Math.random() * 2 ** 48);
  /** By their number, those that end first in front. */
  private readonly leases = new Map<number, Lease>();

  admit({ requestsPerMinute, concurrency }: KeyLimits, now: number): Verdict {
    this.fill(requestsPerMinute, now);
    this.expire(now);
    const perRequestMs = MINUTE_MS / requestsPerMinute;
    const busy = this.answers >= concurrency;
    const empty = this.level < 1;
    let lease: number | null = null;
    if (!busy && !empty) {
      this.level--;
      lease = this.nextLease++;
      this.leases.set(lease, { ends: now + LEASE_MS, answers: 1 });
    }
    return {
      lease,
      refusal: empty ? 'rate' : busy ? 'concurrency' : null,
      remaining: Math.floor(this.level),
      resetMs: (requestsPerMinute - this.level) * perRequestMs,
      retryAfterMs: empty ? (1 - this.level) * perRequestMs : busy ? BUSY_RETRY_MS : 0,
    };
  }

  /**
   * Lets a request that was admitted as one answer have several; false where they are
   * too many beside the others. A lease that is no longer known is let through.
   */
  widen(lease: number, answers: number, { concurrency }: KeyLimits, now: number): boolean {
    this.expire(now);
    const held = this.leases.get(lease);
    if (!held) return true;
    if (this.answers - held.answers + answers > concurrency) return false;
    held.answers = answers;
    return true;
  }

  /** Of a request that continues. */
  renew(lease: number, now: number): void {
    const held = this.leases.get(lease);
    if (!held) return;
    this.leases.delete(lease);
    this.leases.set(lease, { ...held, ends: now + LEASE_MS });
  }

  release(lease: number): void {
    this.leases.delete(lease);
  }

  private get answers(): number {
    let sum = 0;
    for (const { answers } of this.leases.values()) sum += answers;
    return sum;
  }

  private fill(requestsPerMinute: number, now: number): void {
    const elapsed = this.filledAt < 0 ? MINUTE_MS : Math.max(0, now - this.filledAt);
    const filled = this.level + (elapsed * requestsPerMinute) / MINUTE_MS;
    this.level = Math.min(requestsPerMinute, filled);
    this.filledAt = now;
  }

  private expire(now: number): void {
    for (const [lease, { ends }] of this.leases) {
      if (ends > now) return;
      this.leases.delete(lease);
    }
  }
}

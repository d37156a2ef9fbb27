/** What one key may do, and what its limiter answers. */
export interface KeyLimits {
  requestsPerMinute: number;
  /** Answers at the same time: a request for several choices counts each. */
  concurrency: number;
}

export interface Verdict {
  /** Null if the request is refused; else released when the answer has been sent. */
  lease: number | null;
  refusal: 'rate' | 'concurrency' | null;
  /** Requests left in the bucket. */
  remaining: number;
  /** Until the bucket is full. */
  resetMs: number;
  /** Until a refused request may come again. */
  retryAfterMs: number;
}

/** One object per key: counts its requests. */
export interface LimiterObject {
  admit(limits: KeyLimits): Verdict;
  /**
   * Lets a request that was admitted as one answer have several. False if they
   * exceed the key's concurrency.
   */
  widen(lease: number, answers: number, limits: KeyLimits): boolean;
  renew(lease: number): void;
  release(lease: number): void;
}

/**
 * How many requests an isolate prepares at once. Retrieval, tokenizing and connecting
 * share one thread: if hundreds began together all would be late, and their links with
 * them. Those beyond wait here, and are fair to one another: next is the tenant that has
 * the fewest inside, of several who came first; and when the line is full, the tenant that
 * has most of it gives way to one that has less.
 *
 * A client that leaves may end its request anywhere, so that nothing of it runs any more.
 * So nobody inside counts for longer than LEASE_MS, and who waits shows that it is alive.
 */
import { closedHere } from '../link/failure.ts';
import { type Clock, pause } from '../link/protocol/index.ts';

/** Requests inside at once: while one waits for D1, others have the thread. */
export const MAX_PREPARING = 16;
/** Requests that wait at once, each with its body in memory. */
export const MAX_WAITING = 1_024;
/** Preparations that take longer are held up by something else than others. */
const LEASE_MS = 10_000;
/**
 * Waiting requests poll at this interval: one request must not resolve another's promise,
 * as the runtime forbids what follows to use its own request's connections.
 */
export const LOOK_MS = 100;
/** A request that has not polled for this long is passed over: its client has gone, or the thread was busy. */
const LATE_MS = 1_500;
/** After this long without a poll a request counts as gone. */
const GONE_MS = 10_000;
/** `retry-after` of a request that is refused at once. */
const RETRY_AFTER_MS = 1_000;

/** Nobody else may wait, or not for so long. */
export class TooBusy extends Error {
  override readonly name = 'TooBusy';
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number) {
    super('too many requests are being prepared');
    this.retryAfterMs = retryAfterMs;
  }
}

interface QueuePlace {
  tenantId: number;
  lookedAt: number;
  /** Given to another tenant's request: it finds out at its next look. */
  lost: boolean;
}

interface Inside {
  tenantId: number;
  since: number;
}

export interface Admission {
  waitedMs: number;
  /** To be called once the request is prepared, or has failed; more calls do nothing. */
  release(): void;
}

export class PreparationQueue {
  private readonly clock: Clock;
  private readonly inside = new Set<Inside>();
  /** In order of arrival. */
  private readonly waiting = new Set<QueuePlace>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Requests that wait. */
  get size(): number {
    return this.waiting.size;
  }

  /**
   * Resolves once the request may be prepared. Throws `TooBusy`, also later, when another
   * tenant's request takes its place in a full line, and `cancelled` once its client has left.
   */
  async enter(tenantId: number, maxWaitMs: number, clientLeft: AbortSignal): Promise<Admission> {
    const { clock, waiting } = this;
    const cameAt = clock.now();
    const place: QueuePlace = { tenantId, lookedAt: cameAt, lost: false };
    this.sweep();
    if (waiting.size >= MAX_WAITING) this.makeRoom(tenantId);
    try {
      for (;;) {
        if (clientLeft.aborted) throw closedHere();
        if (place.lost) throw new TooBusy(RETRY_AFTER_MS);
        waiting.add(place);
        place.lookedAt = clock.now();
        const waitedMs = place.lookedAt - cameAt;
        this.sweep();
        if (this.next() === place) return { waitedMs, release: this.take(tenantId) };
        if (waitedMs >= maxWaitMs) throw new TooBusy(Math.max(RETRY_AFTER_MS, waitedMs));
        await pause(clock, Math.min(LOOK_MS, maxWaitMs - waitedMs));
      }
    } finally {
      waiting.delete(place);
    }
  }

  /** Takes the place of the last to come of the tenant that has most of the line. Throws `TooBusy` where another one would have as much. */
  private makeRoom(tenantId: number): void {
    const counts = new Map<number, number>();
    const last = new Map<number, QueuePlace>();
    for (const place of this.waiting) {
      counts.set(place.tenantId, (counts.get(place.tenantId) ?? 0) + 1);
      last.set(place.tenantId, place);
    }
    const most = Math.max(...counts.values());
    if (most <= (counts.get(tenantId) ?? 0) + 1) throw new TooBusy(RETRY_AFTER_MS);
    const [largest] = [...counts].find(([, count]) => count === most)!;
    const place = last.get(largest)!;
    place.lost = true;
    this.waiting.delete(place);
  }

  private take(tenantId: number): () => void {
    const inside = { tenantId, since: this.clock.now() };
    this.inside.add(inside);
    return () => void this.inside.delete(inside);
  }

  /** Who may enter now, if there is room. */
  private next(): QueuePlace | undefined {
    if (this.inside.size >= MAX_PREPARING) return undefined;
    const held = new Map<number, number>();
    for (const { tenantId } of this.inside) held.set(tenantId, (held.get(tenantId) ?? 0) + 1);
    let best: QueuePlace | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    const late = this.clock.now() - LATE_MS;
    for (const place of this.waiting) {
      const count = held.get(place.tenantId) ?? 0;
      if (count < fewest && place.lookedAt >= late) {
        best = place;
        fewest = count;
      }
    }
    return best;
  }

  /** Forgets those whose request has ended without a word. */
  private sweep(): void {
    const now = this.clock.now();
    for (const one of this.inside) if (now - one.since > LEASE_MS) this.inside.delete(one);
    for (const place of this.waiting) {
      if (now - place.lookedAt > GONE_MS) this.waiting.delete(place);
    }
  }
}

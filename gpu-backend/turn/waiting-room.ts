/**
 * Turns that wait for a slot. Fair between namespaces: a free slot goes to the one
 * that holds the fewest, of several to the one that waits longest; within a namespace
 * first come, first served. A turn with half an answer out goes before all others.
 * Bounded in turns, in tokens and, for each turn, in time.
 */
import type { Clock } from '../../src/link/protocol/index.ts';
import { RETRY_AFTER_MS, Refusal } from '../link/refusal.ts';

/** Turns that wait at once, and tokens of their prompts together. */
export const MAX_WAITING = 1024;
const MAX_WAITING_TOKENS = 1 << 24;
/** Weight of the latest turn in the average time that a slot is held. */
const SMOOTHING = 0.1;
/** A turn that others went past so often, as only larger slots suit it, holds up those behind it. */
const MAX_PASSED_OVER = 16;

export interface Waiting {
  namespace: string;
  /** Tokens of the prompt. */
  tokens: number;
  /** Whether half an answer is out. */
  resumed: boolean;
  maxWaitMs: number;
  /** Takes a slot and begins; false where none that is free suits the turn. */
  begin(): boolean;
  /** Told that it has waited too long, or that this verifier stops. */
  refuse(refusal: Refusal): void;
}

interface Place extends Waiting {
  since: number;
  passedOver: number;
  stopClock: () => void;
}

export class WaitingRoom {
  /** Seconds that turns have waited until they began, and how many did, refused ones not counted. */
  readonly waited = { seconds: 0, turns: 0 };
  /** Turns that were refused as they had waited or would have to wait too long. */
  refused = 0;
  private readonly clock: Clock;
  private readonly slots: number;
  /** In order of arrival. */
  private readonly places = new Set<Place>();
  /** Slots that each namespace holds, and since when each turn does. */
  private readonly held = new Map<string, number>();
  private readonly heldSince = new Map<object, number>();
  private meanHoldMs = 0;
  private tokens = 0;

  /** `slots`: turns that can be at work at once. */
  constructor(clock: Clock, slots: number) {
    this.clock = clock;
    this.slots = slots;
  }

  /** Turns that wait. */
  get size(): number {
    return this.places.size;
  }

  /** Milliseconds until a slot is expected to be free for one that comes after `ahead` others. */
  expectedWait(ahead: number): number {
    return ((ahead + 1) / Math.max(1, this.slots)) * this.meanHoldMs;
  }

  /** Takes a turn in, and returns how it leaves. Throws `Refusal` where it would wait too long, or nobody else fits. */
  enter(waiting: Waiting): () => void {
    const expected = this.expectedWait(waiting.resumed ? 0 : this.ahead(waiting.namespace));
    const full = this.size >= MAX_WAITING || this.tokens + waiting.tokens > MAX_WAITING_TOKENS;
    if (waiting.maxWaitMs === 0 || full || expected > waiting.maxWaitMs) {
      this.refused++;
      throw this.overloaded(expected);
    }
    const place: Place = {
      ...waiting,
      since: this.clock.now(),
      passedOver: 0,
      stopClock: this.clock.after(waiting.maxWaitMs, () => {
        this.remove(place);
        this.refused++;
        waiting.refuse(this.overloaded(this.expectedWait(0)));
      }),
    };
    this.places.add(place);
    this.tokens += waiting.tokens;
    return () => this.remove(place);
  }

  /** `turn`, of `namespace`, has got a slot. */
  took(turn: object, namespace: string): void {
    this.held.set(namespace, (this.held.get(namespace) ?? 0) + 1);
    this.heldSince.set(turn, this.clock.now());
  }

  /** The slot of `turn` is free: whoever is next begins. */
  freed(turn: object, namespace: string): void {
    const since = this.heldSince.get(turn);
    if (since !== undefined) {
      const ms = this.clock.now() - since;
      this.meanHoldMs += this.meanHoldMs === 0 ? ms : SMOOTHING * (ms - this.meanHoldMs);
      this.heldSince.delete(turn);
      const left = (this.held.get(namespace) ?? 1) - 1;
      if (left > 0) this.held.set(namespace, left);
      else this.held.delete(namespace);
    }
    this.fill();
  }

  /** This verifier stops: those who wait go elsewhere. */
  close(refusal: Refusal): void {
    for (const place of [...this.places]) {
      this.remove(place);
      place.refuse(refusal);
    }
  }

  private fill(): void {
    const passed: Place[] = [];
    for (const place of this.inOrder()) {
      // One who took a slot here changes who is next: begin anew.
      if (place.begin()) {
        this.remove(place);
        this.waited.turns++;
        this.waited.seconds += (this.clock.now() - place.since) / 1000;
        for (const one of passed) one.passedOver++;
        return this.fill();
      }
      if (place.passedOver >= MAX_PASSED_OVER) return;
      passed.push(place);
    }
  }

  private inOrder(): Place[] {
    const holds = ({ namespace }: Place) => this.held.get(namespace) ?? 0;
    return [...this.places].sort(
      (a, b) => Number(b.resumed) - Number(a.resumed) || holds(a) - holds(b) || a.since - b.since,
    );
  }

  /** Who would be served before one more turn of `namespace`: of each other namespace as many as of this one. */
  private ahead(namespace: string): number {
    const counts = new Map<string, number>();
    for (const place of this.places) {
      counts.set(place.namespace, (counts.get(place.namespace) ?? 0) + 1);
    }
    const own = counts.get(namespace) ?? 0;
    let ahead = 0;
    for (const count of counts.values()) ahead += Math.min(count, own + 1);
    return Math.min(ahead, this.size);
  }

  private remove(place: Place): void {
    if (!this.places.delete(place)) return;
    this.tokens -= place.tokens;
    place.stopClock();
  }

  private overloaded(expectedMs: number): Refusal {
    const retryAfterMs = Math.max(RETRY_AFTER_MS, Math.round(expectedMs));
    return new Refusal('overloaded', 'every slot of this verifier is taken', retryAfterMs);
  }
}

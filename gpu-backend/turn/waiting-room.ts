/**
 * Turns that wait for a slot. Fair between namespaces: a free slot goes to the one
 * that holds the fewest, of several to the one that waits longest; within a namespace
 * first come, first served. No namespace takes the last slot while another one is
 * about, so that the other's next turn begins at once. A turn with half an answer out
 * goes before all others. Bounded in turns, in tokens and, for each turn, in time; when
 * the room is full the namespace that has most of it gives way to one that has less.
 */
import type { Clock } from '../../src/link/protocol/index.ts';
import { RETRY_AFTER_MS, Refusal } from './refusal.ts';

/** Turns that wait at once, and tokens of their prompts together. */
export const MAX_WAITING = 1024;
export const MAX_WAITING_TOKENS = 1 << 24;
/** Weight of the latest turn in the average time that a slot is held. */
const SMOOTHING = 0.1;
/** A turn that others went past so often, as only larger slots suit it, holds up those behind it. */
const MAX_PASSED_OVER = 16;
/** For so long behind its latest turn a namespace is about, and finds a slot that nobody else takes. */
export const ABOUT_MS = 600_000;

/** Who asks for a slot. */
export interface Asker {
  namespace: string;
  /** Whether half an answer is out. */
  resumed: boolean;
}

export interface Waiting extends Asker {
  /** Tokens of the prompt. */
  tokens: number;
  maxWaitMs: number;
  /** Takes a slot and begins; false where none that is free suits the turn. */
  begin(): boolean;
  /** Told that it has waited too long, or that this verifier stops. */
  refuse(refusal: Refusal): void;
}

/** What the room is bounded in. */
const BOUNDS: readonly { most: number; of: (waiting: Waiting) => number }[] = [
  { most: MAX_WAITING, of: () => 1 },
  { most: MAX_WAITING_TOKENS, of: ({ tokens }) => tokens },
];

interface WaitingPlace extends Waiting {
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
  private readonly places = new Set<WaitingPlace>();
  /** Slots that each namespace holds, and since when each turn does. */
  private readonly held = new Map<string, number>();
  private readonly heldSince = new Map<object, number>();
  /** The two namespaces that asked last: of any namespace, one of them is the latest other. */
  private latest: { namespace: string; at: number }[] = [];
  private meanHoldMs = 0;

  /** `slots`: turns that can be at work at once. */
  constructor(clock: Clock, slots: number) {
    this.clock = clock;
    this.slots = slots;
  }

  /** Turns that wait. */
  get size(): number {
    return this.places.size;
  }

  /** A turn arrives: whether it may take a slot that is free, before those who wait for another. */
  admits({ namespace, resumed }: Asker): boolean {
    const others = this.latest.filter((one) => one.namespace !== namespace).slice(0, 1);
    this.latest = [{ namespace, at: this.clock.now() }, ...others];
    const overtakes = [...this.places].some((place) => this.mayTake(place));
    return !overtakes && this.mayTake({ namespace, resumed });
  }

  /** Milliseconds until a slot is expected to be free for one that comes after `ahead` others. */
  expectedWait(ahead: number): number {
    return ((ahead + 1) / Math.max(1, this.slots)) * this.meanHoldMs;
  }

  /**
   * Takes a turn in, and returns how it leaves. Throws `Refusal` where it would wait too
   * long, or finds the room full and its own namespace with most of it.
   */
  enter(waiting: Waiting): () => void {
    const expected = this.expectedWait(waiting.resumed ? 0 : this.ahead(waiting.namespace));
    const mayWait = waiting.maxWaitMs > 0 && expected <= waiting.maxWaitMs;
    const leaving = mayWait ? this.crowdedOut(waiting) : null;
    if (!leaving) {
      this.refused++;
      throw this.overloaded(expected);
    }
    for (const place of leaving) {
      this.remove(place);
      this.refused++;
      place.refuse(this.overloaded(expected));
    }
    const place: WaitingPlace = {
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
    const passed: WaitingPlace[] = [];
    for (const place of this.inOrder()) {
      if (!this.mayTake(place)) continue;
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

  private mayTake({ namespace, resumed }: Asker): boolean {
    const held = this.held.get(namespace) ?? 0;
    if (resumed || this.slots === 1 || held < this.slots - 1) return true;
    const since = this.clock.now() - ABOUT_MS;
    return !this.latest.some((other) => other.namespace !== namespace && other.at > since);
  }

  private inOrder(): WaitingPlace[] {
    const holds = ({ namespace }: WaitingPlace) => this.held.get(namespace) ?? 0;
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

  /**
   * Who must leave so that a newcomer fits: one by one the last to come of the namespace
   * that has most of the room. Null where that is the newcomer's own, or as much is.
   * Half an answer never leaves, and needs no share to come in. O(places) for each who leaves.
   */
  private crowdedOut(newcomer: Waiting): WaitingPlace[] | null {
    const leaving = new Set<WaitingPlace>();
    for (const { most, of } of BOUNDS) {
      for (;;) {
        const shares = new Map<string, number>();
        const last = new Map<string, WaitingPlace>();
        let total = of(newcomer);
        for (const place of this.places) {
          if (leaving.has(place)) continue;
          const share = (shares.get(place.namespace) ?? 0) + of(place);
          shares.set(place.namespace, share);
          total += of(place);
          if (!place.resumed) last.set(place.namespace, place);
        }
        if (total <= most) break;
        const own = newcomer.resumed ? 0 : (shares.get(newcomer.namespace) ?? 0) + of(newcomer);
        const [largest] = [...last.values()].sort(
          (a, b) => shares.get(b.namespace)! - shares.get(a.namespace)!,
        );
        if (!largest || shares.get(largest.namespace)! <= own) return null;
        leaving.add(largest);
      }
    }
    return [...leaving];
  }

  private remove(place: WaitingPlace): void {
    if (this.places.delete(place)) place.stopClock();
  }

  private overloaded(expectedMs: number): Refusal {
    const retryAfterMs = Math.max(RETRY_AFTER_MS, Math.round(expectedMs));
    return new Refusal('overloaded', 'every slot of this verifier is taken', retryAfterMs);
  }
}

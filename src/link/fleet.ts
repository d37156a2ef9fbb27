/**
 * The verifiers that this isolate knows, and what it has learnt of each from
 * its own turns: whether it works, and how full it is. Nothing is probed; the
 * first turn after an outage is the probe.
 */
import type { LinkFailure, LinkFailureCode } from './failure.ts';
import type { Clock, Ready } from './protocol/index.ts';
import { RetryBudget } from './retry.ts';

/** A verifier that failed is avoided for so long, doubled with every failure in a row. */
export const COOL_OFF_MS = 500;
export const MAX_COOL_OFF_MS = 30_000;
/** What `ready` said of a verifier's load is believed for so long. */
const LOAD_MEMORY_MS = 10_000;

/** Refusals that will be the same for every turn until somebody changes something. */
const UNSUITABLE: ReadonlySet<LinkFailureCode> = new Set([
  'version',
  'fingerprint',
  'unauthorized',
]);

interface Member {
  url: string;
  failures: number;
  avoidedUntil: number;
  /** Share of its slots that was taken, as last heard. */
  load: number;
  heardAt: number;
}

export class Fleet {
  readonly retries: RetryBudget;
  private readonly members: Member[];
  private readonly clock: Clock;
  private readonly random: () => number;

  /** Throws `RangeError` without urls. */
  constructor(urls: readonly string[], clock: Clock, random: () => number) {
    if (urls.length === 0) throw new RangeError('no verifier is configured: set VERIFIER_URL');
    this.members = [...new Set(urls)].map((url) => ({
      url,
      failures: 0,
      avoidedUntil: 0,
      load: 0,
      heardAt: Number.NEGATIVE_INFINITY,
    }));
    this.clock = clock;
    this.retries = new RetryBudget(clock.now());
    this.random = random;
  }

  get size(): number {
    return this.members.length;
  }

  /**
   * The verifier to try next. Of two drawn at random the less loaded one (the
   * power of two choices: workers with the same stale view don't all run to one
   * place); those that failed lately only when there is no other.
   */
  pick(tried: ReadonlySet<string>): string {
    const fresh = this.members.filter(({ url }) => !tried.has(url));
    const open = fresh.length > 0 ? fresh : this.members;
    const now = this.clock.now();
    const sound = open.filter(({ avoidedUntil }) => avoidedUntil <= now);
    if (sound.length === 0) {
      return open.reduce((a, b) => (b.avoidedUntil < a.avoidedUntil ? b : a)).url;
    }
    const first = this.draw(sound);
    const second = this.draw(sound.length > 1 ? sound.filter((m) => m !== first) : sound);
    return this.loadOf(second, now) < this.loadOf(first, now) ? second.url : first.url;
  }

  /** `url` took a turn. */
  served(url: string, { active, slots }: Pick<Ready, 'active' | 'slots'>): void {
    const member = this.member(url);
    member.failures = 0;
    member.avoidedUntil = 0;
    member.load = slots === 0 ? 0 : active / slots;
    member.heardAt = this.clock.now();
  }

  failed(url: string, failure: LinkFailure): void {
    const member = this.member(url);
    const now = this.clock.now();
    if (failure.code === 'overloaded') {
      member.load = 1;
      member.heardAt = now;
      member.avoidedUntil = now + failure.retryAfterMs;
      return;
    }
    member.failures++;
    const grown = COOL_OFF_MS * 2 ** (member.failures - 1);
    member.avoidedUntil =
      now + (UNSUITABLE.has(failure.code) ? MAX_COOL_OFF_MS : Math.min(MAX_COOL_OFF_MS, grown));
  }

  private member(url: string): Member {
    const member = this.members.find((m) => m.url === url);
    if (!member) throw new RangeError(`${url} is not in the fleet`);
    return member;
  }

  private draw(members: readonly Member[]): Member {
    return members[Math.min(members.length - 1, Math.floor(this.random() * members.length))]!;
  }

  private loadOf(member: Member, now: number): number {
    return now - member.heardAt <= LOAD_MEMORY_MS ? member.load : 0;
  }
}

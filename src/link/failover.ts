/**
 * One turn over as many links as it takes. A verifier that fails is replaced:
 * the next one gets the prompt with the tokens accepted so far after it and
 * the same seed. Noise is keyed by absolute position, so it continues with the
 * very text that the first one would have written; the reader notices a pause.
 */
import type { TokenTree } from '../draft/tree/tree.ts';
import { Link, type LinkEvent } from './client.ts';
import { closedHere, LinkFailure, type LinkFailureCode } from './failure.ts';
import type { Fleet } from './fleet.ts';
import {
  type Clock,
  CloseCode,
  type DoneReason,
  type DraftWord,
  type Open,
  type Span,
  type Transport,
} from './protocol/index.ts';
import { backoff } from './retry.ts';

/** A connection to the verifier at `url`. Rejects with `LinkFailure`. */
export type Dial = (url: string) => Promise<Transport>;

/** What a turn's link is made with: the verifiers, how they are reached, time and chance. */
export interface LinkEnvironment {
  fleet: Fleet;
  dial: Dial;
  clock: Clock;
  /** In [0, 1). */
  random(): number;
}

/** `opened`: a verifier was sent `open`, the first or the next one; it has no trees and no spans yet. */
export type TurnEvent = { type: 'opened' } | LinkEvent;

export const CONNECT_DEADLINE_MS = 3_000;
/** Tries before the first `ready`, or one for each verifier where there are more. The client can retry for itself. */
export const FIRST_ATTEMPTS = 3;
/** Tries once text is out, where nobody else can retry: they ride out a restart of some seconds. */
export const RESUME_ATTEMPTS = 8;

/** How long a half-finished answer waits for a slot: others come and go, and each try asks no more than a verifier has said. */
export const SLOT_PATIENCE_MS = 30_000;

/** The same everywhere, so that another verifier won't help. */
const FINAL: ReadonlySet<LinkFailureCode> = new Set([
  'bad-frame',
  'too-long',
  'stalled',
  'grammar',
]);
/** May pass by itself at the same verifier within the time a user waits. */
const PASSING: ReadonlySet<LinkFailureCode> = new Set([
  'unreachable',
  'lost',
  'silent',
  'engine',
  'damaged',
]);
/** Says more than whatever was met after it. */
const TELLING: readonly LinkFailureCode[] = ['fingerprint', 'overloaded'];

export class TurnLink {
  private readonly environment: LinkEnvironment;
  private url = '';
  private dialing: Promise<Transport> | null;
  private readonly firstDial: Promise<void>;
  private link: Link | null = null;
  private closed = false;
  /** Whether some verifier took the turn: from then on the user waits for its end. */
  private started = false;
  private readonly accepted: number[] = [];
  private readonly tried = new Set<string>();
  private readonly failures: LinkFailure[] = [];
  private rounds = 0;
  /** Failures but for full verifiers in mid-answer. */
  private attempts = 0;
  /** Whether the turn waits where no slot is free: once every verifier was found full. */
  private patient: boolean;
  /** Since when half an answer waits for a slot. */
  private waitingSince: number | null = null;

  /** Connects at once: that needs no prompt and continues beside retrieval. */
  constructor(environment: LinkEnvironment) {
    this.environment = environment;
    this.patient = environment.fleet.size === 1;
    environment.fleet.retries.earn();
    this.dialing = this.connect();
    this.firstDial = this.dialing.then(
      () => {},
      () => {},
    );
  }

  /** Resolves when the first verifier has answered, or did not. */
  get dialled(): Promise<void> {
    return this.firstDial;
  }

  /** Whether a verifier is there and has room for another tree. */
  get canSend(): boolean {
    return this.link?.canSend ?? false;
  }

  /** Whether everything that came has been read. */
  get caughtUp(): boolean {
    return this.link?.caughtUp ?? true;
  }

  /** Sends candidates that follow absolute position `base`. Needs `canSend`. */
  sendTree(tree: TokenTree, base: number, words?: readonly DraftWord[]): void {
    this.link?.sendTree(tree, base, words);
  }

  sendSpans(spans: readonly Span[]): void {
    this.link?.sendSpans(spans);
  }

  /** Ends the turn at any time; the verifier frees the session. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.link?.close();
    void this.dialing?.then(hangUp, () => {});
  }

  /**
   * Opens the turn and yields what happens until `done`. Throws `LinkFailure` when
   * no verifier could be had, or none any more, and `cancelled` after `close`.
   */
  async *events(open: Open): AsyncGenerator<TurnEvent> {
    while (!this.closed) {
      try {
        const reason = this.reasonToEnd(open);
        if (reason) return yield lastWord(reason);
        this.link = await this.begin(open);
        if (this.closed) {
          this.link.close();
          break;
        }
        yield { type: 'opened' };
        for await (const event of this.link.events()) {
          this.note(event);
          yield event;
        }
        return;
      } catch (failure) {
        this.link = null;
        if (!(failure instanceof LinkFailure) || this.closed) throw failure;
        await this.beforeNext(failure);
      }
    }
    throw closedHere();
  }

  private note(event: LinkEvent): void {
    if (event.type === 'ready') {
      this.started = true;
      this.waitingSince = null;
      this.environment.fleet.served(this.url, event);
    } else if (event.type === 'accept') {
      for (const token of event.tokens) this.accepted.push(token);
    }
  }

  /** The turn may be over already, and only `done` was lost. */
  private reasonToEnd({ settings }: Open): DoneReason | null {
    const last = this.accepted.at(-1);
    if (last !== undefined && settings.stopIds.includes(last)) return 'stop';
    return this.accepted.length >= settings.maxTokens ? 'length' : null;
  }

  private async begin(open: Open): Promise<Link> {
    // A request that may not wait skips the second round of tries.
    if (!open.settings.maxWaitMs) this.patient = true;
    const dialing = this.dialing ?? this.connect();
    this.dialing = null;
    return new Link(await dialing, this.environment.clock, this.resumed(open));
  }

  private resumed({ settings, prompt }: Open): Open {
    const { accepted } = this;
    const whole = new Int32Array(prompt.length + accepted.length);
    whole.set(prompt);
    whole.set(accepted, prompt.length);
    return {
      prompt: whole,
      settings: {
        ...settings,
        maxTokens: settings.maxTokens - accepted.length,
        resumed: accepted.length,
        ...(settings.maxWaitMs && !this.patient && { maxWaitMs: 0 }),
      },
    };
  }

  private connect(): Promise<Transport> {
    const { fleet, dial, clock } = this.environment;
    this.url = fleet.pick(this.tried);
    this.tried.add(this.url);
    const dialled = dial(this.url);
    const connected = new Promise<Transport>((resolve, reject) => {
      const cancel = clock.after(CONNECT_DEADLINE_MS, () => {
        reject(
          new LinkFailure('silent', `${this.url} did not answer in ${CONNECT_DEADLINE_MS} ms`),
        );
        void dialled.then(hangUp, () => {});
      });
      dialled.then(resolve, reject).finally(cancel);
    });
    // Whoever awaits it sees the failure; a turn that is closed before must not leave it unobserved.
    connected.catch(() => {});
    return connected;
  }

  /** Waits as long as is right before the next verifier is tried, or throws what to report. */
  private async beforeNext(failure: LinkFailure): Promise<void> {
    const { fleet, clock, random } = this.environment;
    // What would fail anywhere says nothing about this verifier.
    if (!FINAL.has(failure.code)) fleet.failed(this.url, failure);
    this.failures.push(failure);
    const most = this.started ? RESUME_ATTEMPTS : Math.max(FIRST_ATTEMPTS, fleet.size);
    const waits = this.started && failure.code === 'overloaded';
    if (waits) this.waitingSince ??= clock.now();
    else this.attempts++;
    const waited = this.waitingSince === null ? 0 : clock.now() - this.waitingSince;
    const roundOver = this.tried.size >= fleet.size;
    if (failure.code === 'overloaded' && roundOver && !this.patient) {
      // All are full: wait at the one that expects to be free first.
      this.patient = true;
      this.attempts = 0;
      return this.tried.clear();
    }
    const hopeless =
      FINAL.has(failure.code) ||
      this.attempts >= most ||
      waited > SLOT_PATIENCE_MS ||
      (roundOver && !this.worthAnotherRound());
    // Half answers are no more than there were slots, and bounded in tries and time. They owe the
    // budget nothing: a worker that could not run for seconds loses all its links in one moment.
    const affordable = this.started || fleet.retries.spend(clock.now());
    if (hopeless || !affordable) throw this.verdict(failure);
    if (!roundOver) return;
    this.tried.clear();
    const wait = failure.retryAfterMs * Number(this.started) + backoff(this.rounds++, random);
    await new Promise<void>((resolve) => {
      clock.after(wait, resolve);
    });
  }

  /** Full verifiers are worth waiting for only when half an answer is out already. */
  private worthAnotherRound(): boolean {
    return this.failures.some(
      ({ code }) =>
        PASSING.has(code) || (this.started && (code === 'overloaded' || code === 'draining')),
    );
  }

  private verdict(last: LinkFailure): LinkFailure {
    return this.failures.find(({ code }) => TELLING.includes(code)) ?? last;
  }
}

function hangUp(transport: Transport): void {
  transport.close(CloseCode.goingAway);
}

function lastWord(reason: DoneReason): TurnEvent {
  return { type: 'done', reason, steps: 0, drafted: 0, accepted: 0, prefillMicros: 0, stale: 0 };
}

/**
 * One loop for all sessions: decode everyone who can step in one run, then feed
 * one chunk of one waiting prompt, and again. It never waits for a tree: a
 * session without one steps by a single token. A long prompt delays the others
 * by one chunk at most.
 */
import type { Clock } from '../../src/link/protocol/index.ts';
import type { Engine, StepRow } from '../engine/engine.ts';
import type { Session } from './session.ts';

/** A run that takes longer than this hangs: the verifier no longer counts as alive, and workers go elsewhere. */
const RUN_DEADLINE_MS = 60_000;

export class Scheduler {
  private readonly engine: Engine;
  private readonly clock: Clock;
  /** When the run in flight began; null between runs. */
  private runningSince: number | null = null;
  private readonly sessions = new Set<Session>();
  private wakeUp: (() => void) | null = null;
  private closed = false;
  private readonly loop: Promise<void>;

  constructor(engine: Engine, clock: Clock) {
    this.engine = engine;
    this.clock = clock;
    this.loop = this.run();
  }

  get active(): number {
    return this.sessions.size;
  }

  /** Whether the engine answers. */
  get alive(): boolean {
    return this.runningSince === null || this.clock.now() - this.runningSince < RUN_DEADLINE_MS;
  }

  add(session: Session): void {
    this.sessions.add(session);
    this.wake();
  }

  /** Something changed that may let a session step: a tree came, a socket drained, a cancel. */
  wake(): void {
    this.wakeUp?.();
    this.wakeUp = null;
  }

  /** Stops after the step in flight. Turns that are not over are handed to other verifiers. */
  async close(): Promise<void> {
    this.closed = true;
    this.wake();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      this.sweep();
      this.catchUp();
      const decoding = [...this.sessions].filter((session) => session.canDecode());
      const decoded = await this.step(
        decoding,
        (session) => session.decodeRow(decoding.length),
        (session, micros) => session.absorb(micros),
      );
      this.sweep();
      const waiting = this.nextPrefill();
      const prefilled = await this.step(
        waiting ? [waiting] : [],
        (session) => session.prefillRow(),
        (session, micros) => session.absorbPrefill(micros),
      );
      if (!decoded && !prefilled && !this.closed) {
        await new Promise<void>((resolve) => {
          this.wakeUp = resolve;
        });
      }
    }
    for (const session of this.sessions) session.fail('draining', 'this verifier shuts down');
    this.sweep();
  }

  /** First come, first prefilled: the one that waited longest finishes first. */
  private nextPrefill(): Session | undefined {
    for (const session of this.sessions) if (session.needsPrefill()) return session;
    return undefined;
  }

  /** Choices of one request begin together with one prompt: the first is fed, the others copy. */
  private catchUp(): void {
    for (;;) {
      const next = this.nextPrefill();
      let more = false;
      if (!next || !guard(next, () => (more = next.catchUp())) || !more) return;
    }
  }

  /** One run of the engine for `sessions`; false when there are none. */
  private async step(
    sessions: readonly Session[],
    prepare: (session: Session) => StepRow,
    absorb: (session: Session, micros: number) => void,
  ): Promise<boolean> {
    const rows: StepRow[] = [];
    const stepping = sessions.filter((session) =>
      guard(session, () => rows.push(prepare(session))),
    );
    if (stepping.length === 0) return false;
    const started = this.clock.now();
    this.runningSince = started;
    try {
      await this.engine.step(rows);
    } catch (cause) {
      for (const session of stepping) session.fail('engine', (cause as Error).message);
      return true;
    } finally {
      this.runningSince = null;
    }
    const micros = Math.round((this.clock.now() - started) * 1000);
    for (const session of stepping) guard(session, () => absorb(session, micros));
    // Let sockets be read even when runs complete synchronously fast.
    await this.clock.breath();
    return true;
  }

  /** Frees what ended. Not while a step is in flight: its rows point into the slots. */
  private sweep(): void {
    for (const session of this.sessions) {
      if (!session.ended) continue;
      this.sessions.delete(session);
      this.engine.release(session.slot);
    }
  }
}

/** A bug met in one turn ends that turn; the others go on. False when it did. */
function guard(session: Session, task: () => void): boolean {
  try {
    task();
    return true;
  } catch (cause) {
    console.error(cause);
    session.fail('engine', 'the verifier failed in this turn');
    return false;
  }
}

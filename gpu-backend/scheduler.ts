/**
 * One loop for all sessions: decode everyone who can step in one run, then feed
 * one chunk of one waiting prompt, and again. It never waits for a tree: a
 * session without one steps by a single token. A long prompt delays the others
 * by one chunk at most.
 */
import type { Engine, StepRow } from './engine/engine.ts';
import type { Session } from './session.ts';

/** Prompt tokens fed in one run. Long enough to fill the cores, short enough not to stall decoding. */
export const PREFILL_CHUNK = 256;

export class Scheduler {
  private readonly engine: Engine;
  private readonly sessions = new Set<Session>();
  private wakeUp: (() => void) | null = null;
  private closed = false;
  private readonly loop: Promise<void>;

  constructor(engine: Engine) {
    this.engine = engine;
    this.loop = this.run();
  }

  get active(): number {
    return this.sessions.size;
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

  async close(): Promise<void> {
    this.closed = true;
    this.wake();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      this.sweep();
      const decoded = await this.step(
        [...this.sessions].filter((s) => s.canDecode()),
        'decode',
      );
      this.sweep();
      const waiting = this.nextPrefill();
      const prefilled = waiting ? await this.step([waiting], 'prefill') : false;
      if (!decoded && !prefilled && !this.closed) {
        await new Promise<void>((resolve) => {
          this.wakeUp = resolve;
        });
      }
    }
    for (const session of this.sessions) session.end('cancelled');
    this.sweep();
  }

  /** First come, first prefilled: the one that waited longest finishes first. */
  private nextPrefill(): Session | undefined {
    for (const session of this.sessions) if (session.needsPrefill()) return session;
    return undefined;
  }

  private async step(sessions: Session[], kind: 'decode' | 'prefill'): Promise<boolean> {
    if (sessions.length === 0) return false;
    const rows: StepRow[] = sessions.map((session) =>
      kind === 'decode' ? session.decodeRow(sessions.length) : session.prefillRow(PREFILL_CHUNK),
    );
    const started = performance.now();
    try {
      await this.engine.step(rows);
    } catch (cause) {
      for (const session of sessions) session.fail(cause as Error);
      return true;
    }
    const micros = Math.round((performance.now() - started) * 1000);
    for (const session of sessions) {
      if (kind === 'decode') session.absorb(micros);
      else session.absorbPrefill(micros);
    }
    // Let sockets be read even when runs complete synchronously fast.
    await new Promise<void>((resolve) => setImmediate(resolve));
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

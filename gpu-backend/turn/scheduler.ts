/**
 * One loop for all sessions: decode everyone who can step in one run, then feed
 * one chunk of one waiting prompt, and again. It never waits for a tree: a
 * session without one steps by a single token. A long prompt delays the others
 * by one chunk at most. When nothing is left to do, the engine's steps are timed
 * once more, so that what was learnt under load is not all that is known.
 */
import type { Clock } from '../../src/link/protocol/index.ts';
import { Echoes } from '../drafters/echoes.ts';
import type { LocalDrafters, Outcome } from '../drafters/local-drafters.ts';
import { PROBED_ROWS } from '../engine/calibrate.ts';
import type { Engine, StepRow } from '../engine/engine.ts';
import { grownStep, promptMs } from './prompt-rows.ts';
import type { Session } from './session.ts';
import { TreeSizing } from './tree-sizing.ts';

/** A run that takes longer than this hangs: the verifier no longer counts as alive, and workers go elsewhere. */
const RUN_DEADLINE_MS = 60_000;
/** Idle for so long, the engine is timed. */
const IDLE_MS = 2_000;
/** But not by runs that would keep a turn waiting for longer. */
const LONGEST_PROBE_MS = 500;

export class Scheduler {
  /** Called for each session whose slot has become free. */
  onFreed: (session: Session) => void = () => {};
  private readonly engine: Engine;
  private readonly clock: Clock;
  private readonly drafters: LocalDrafters;
  /** When the run in flight began; null between runs. */
  private runningSince: number | null = null;
  private readonly sessions = new Set<Session>();
  private readonly sizing: TreeSizing;
  private wakeUp: (() => void) | null = null;
  /** Whether something changed since the sessions were last looked at: it may come before the loop is idle. */
  private stirred = false;
  /** Whether there were steps since the engine was timed last. */
  private worked = false;
  private closed = false;
  private readonly loop: Promise<void>;

  /** @param drafters where the sessions' seats are from */
  constructor(engine: Engine, clock: Clock, drafters: LocalDrafters = new Echoes()) {
    this.engine = engine;
    this.clock = clock;
    this.drafters = drafters;
    this.sizing = new TreeSizing(engine);
    this.loop = this.run();
  }

  get active(): number {
    return this.sessions.size;
  }

  /** Whether the engine answers, and what drafts beside it. */
  get alive(): boolean {
    return this.runningSince === null || this.clock.now() - this.runningSince < RUN_DEADLINE_MS;
  }

  add(session: Session): void {
    this.sessions.add(session);
    this.wake();
  }

  /** Something changed that may let a session step: a tree came, a socket drained, a cancel. */
  wake(): void {
    this.stirred = true;
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
      this.stirred = false;
      this.sweep();
      this.catchUp();
      const decoded = await this.decode();
      this.sweep();
      const waiting = this.nextPrefill();
      const prefilled = await this.step(
        waiting ? [waiting] : [],
        (session) => session.prefillRow(),
        (session, micros) => session.absorbPrefill(micros),
      );
      if (!decoded && !prefilled && !this.closed && !this.stirred) await this.idle();
    }
    for (const session of this.sessions) session.fail('draining', 'this verifier shuts down');
    this.sweep();
  }

  /** One step of all sessions that can decode; false when there are none. */
  private async decode(): Promise<boolean> {
    const sessions = [...this.sessions].filter((session) => session.canDecode());
    if (sessions.length === 0) return false;
    this.worked = true;
    const drafting = this.sizing.drafting(sessions);
    const prepared = sessions.filter((one, i) => drafting[i] || one.networked?.insists);
    await this.prepare(prepared, sessions.length);
    const ready = sessions.filter(({ networked }) => !networked?.waits);
    const drafted = new Set(sessions.filter((_, i) => drafting[i]));
    if (ready.length > 0) await this.decodeStep(ready, drafted);
    return true;
  }

  /** What drafts beside the engine computes for the step to come. A network that hangs stops every turn, as an engine that does. */
  private async prepare(prepared: readonly Session[], sessions: number): Promise<void> {
    const seats = prepared.flatMap(({ seat }) => seat ?? []);
    await this.timed(() => this.drafters.prepare(seats, sessions));
  }

  private async decodeStep(
    sessions: readonly Session[],
    drafted: ReadonlySet<Session>,
  ): Promise<void> {
    const began = this.clock.now();
    const drafting = sessions.map((session) => drafted.has(session));
    const sized = this.sizing.size(sessions, proposeGuarded, drafting);
    const grown = grownStep(this.engine, sessions, sized.nodes);
    const places = new Map(sessions.map((session, i) => [session, i]));
    await this.step(
      sessions,
      (session) => {
        const i = places.get(session)!;
        return session.decodeRow(sized.nodes[i]!, drafting[i]!, grown && { step: grown, index: i });
      },
      (session, micros) => session.absorb(micros),
    );
    // A step that failed says nothing.
    if (sessions.some(({ outcome }) => outcome)) {
      // What the preparation took is the price of what was prepared: it must not stop all other drafts.
      const took = this.clock.now() - began;
      const prompted = promptMs(sessions, grown, took);
      const own = took - prompted.reduce((sum, ms) => sum + ms, 0);
      this.sizing.settle(sessions, sized, own);
      const { nodes } = sized.without ?? sized;
      const owed = this.sizing.timeOwed(sessions, sized, own);
      const outcomes = sessions.flatMap((session, i) =>
        drafting[i] ? outcomeOf(session, nodes[i]!, owed[i]! + prompted[i]!) : [],
      );
      const tokens = sessions.reduce((sum, { outcome }) => sum + (outcome?.walk.count ?? 0), 0);
      this.drafters.settle(outcomes, { ms: took, sessions: sessions.length, tokens });
    }
  }

  /** Until something wakes it. When that takes long, the engine is timed, once after each time of work. */
  private async idle(): Promise<void> {
    let awake = false;
    const woken = new Promise<void>((resolve) => {
      this.wakeUp = () => {
        awake = true;
        resolve();
      };
    });
    if (this.worked && this.sessions.size === 0) {
      await this.unless(woken, IDLE_MS);
      for (const rows of PROBED_ROWS) {
        if (awake || this.engine.stepCost(rows, 1, 0) > LONGEST_PROBE_MS) break;
        this.worked = false;
        // Whatever fails here fails in the next step too, and is said there.
        await this.timed(() => this.engine.probe(rows)).catch(() => {});
      }
    }
    await woken;
  }

  /** Resolves with `early`, or when `ms` have passed. */
  private unless(early: Promise<void>, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.after(ms, resolve);
      void early.then(() => {
        cancel();
        resolve();
      });
    });
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
    try {
      await this.timed(() => this.engine.step(rows));
    } catch (cause) {
      for (const session of stepping) session.fail('engine', (cause as Error).message);
      return true;
    }
    const micros = Math.round((this.clock.now() - started) * 1000);
    for (const session of stepping) guard(session, () => absorb(session, micros));
    // Let sockets be read even when runs complete synchronously fast.
    await this.clock.breath();
    return true;
  }

  /** Lets `alive` see how long `run` takes. */
  private async timed(run: () => Promise<unknown>): Promise<void> {
    this.runningSince = this.clock.now();
    try {
      await run();
    } finally {
      this.runningSince = null;
    }
  }

  /** Frees what ended. Not while a step is in flight: its rows point into the slots. */
  private sweep(): void {
    for (const session of [...this.sessions]) {
      if (!session.ended) continue;
      this.sessions.delete(session);
      this.engine.release(session.slot);
      session.seat?.end();
      this.onFreed(session);
    }
  }
}

/** A bug met in one turn ends that turn; the others continue. False when it did. */
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

/**
 * What became of a session's seat; nothing where the session ended before the step was over.
 * @param nodes that would have been verified without a network's words
 */
function outcomeOf(session: Session, nodes: number, extraMs: number): Outcome[] {
  const { seat, outcome } = session;
  if (!seat || !outcome) return [];
  const extra = session.owedToNetwork(nodes);
  return [{ seat, tokens: outcome.walk.count, extra, extraMs }];
}

/** What a session proposes; nothing where that meets a bug. */
function proposeGuarded(session: Session, least: number): Float64Array {
  let proposed: Float64Array = new Float64Array(0);
  guard(session, () => {
    proposed = session.propose(least);
  });
  return proposed;
}

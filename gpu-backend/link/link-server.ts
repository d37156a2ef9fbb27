/**
 * The verifier's end of one link: the protocol's state machine around a
 * connection. `open` first and once, then spans and trees, then `cancel` or a
 * close. Whatever breaks a rule gets an `error` frame that says which, and the
 * link is closed.
 */
import {
  type Clock,
  CloseCode,
  decodeCancel,
  decodeOpen,
  decodeRead,
  encodeError,
  encodeProgress,
  encodeReady,
  every,
  FrameError,
  FrameType,
  frameType,
  type LinkErrorCode,
  Opener,
  openVersion,
  PROTOCOL_VERSION,
  SealError,
  Sealer,
  type Transport,
} from '../../src/link/protocol/index.ts';
import type { Nucleus } from '../accept/warp.ts';
import type { Echo } from '../drafters/echo.ts';
import type { Engine } from '../engine/engine.ts';
import { type AdmitLimits, admit, type Turn } from '../turn/admit.ts';
import { TREE_CREDIT } from '../turn/candidates.ts';
import type { Scheduler } from '../turn/scheduler.ts';
import { Session } from '../turn/session.ts';
import { Outbox } from './outbox.ts';
import { RETRY_AFTER_MS, Refusal } from './refusal.ts';

/** A link that has not sent `open` by then is closed. */
export const OPEN_DEADLINE_MS = 10_000;
/** A worker that hears nothing for four of these goes elsewhere. */
export const HEARTBEAT_MS = 1_000;
/** A session that waits for its worker so long is ended: its slot is worth more to others. */
export const WORKER_DEADLINE_MS = 60_000;

export interface LinkContext {
  engine: Engine;
  scheduler: Scheduler;
  nucleus: Nucleus;
  limits: AdmitLimits;
  clock: Clock;
  /** What drafts beside the engine for a turn, in mode `echoed`. */
  echo(turn: Turn): Echo;
  /** Whether new turns are refused, as the verifier is about to stop. */
  draining(): boolean;
}

/** Serves one turn on `transport`. */
export function serveLink(transport: Transport, context: LinkContext): void {
  new ServedLink(transport, context);
}

class ServedLink {
  private readonly transport: Transport;
  private readonly context: LinkContext;
  private readonly sealer = new Sealer();
  private readonly opener = new Opener();
  private session: Session | null = null;
  private outbox: Outbox | null = null;
  private over = false;
  private readonly stopHeartbeat: () => void;
  private readonly openedAt: number;
  private sentAt: number;
  private waitsSince: number | null = null;

  constructor(transport: Transport, context: LinkContext) {
    this.transport = transport;
    this.context = context;
    this.openedAt = this.sentAt = context.clock.now();
    transport.attach({
      message: (data) => this.receive(data),
      closed: () => this.leave(),
      drained: () => this.drained(),
    });
    this.stopHeartbeat = every(context.clock, HEARTBEAT_MS, () => this.beat());
  }

  /** Bytes that the connection has not sent yet. */
  get unsent(): number {
    return this.transport.unsent;
  }

  send(frame: Uint8Array): void {
    if (this.over) return;
    this.sentAt = this.context.clock.now();
    this.transport.send(this.sealer.seal(frame));
    const type = frameType(frame);
    if (type === FrameType.done) this.end(CloseCode.normal);
    else if (type === FrameType.error) this.end(CloseCode.internalError);
  }

  private receive(message: Uint8Array | null): void {
    if (this.over) return;
    try {
      if (!message) throw new FrameError('frames are binary');
      this.dispatch(this.opener.open(message));
    } catch (cause) {
      if (cause instanceof Refusal) this.send(encodeError(cause));
      else if (cause instanceof SealError) this.refuse('damaged', cause.message);
      else if (cause instanceof FrameError) this.refuse('bad-frame', cause.message);
      else {
        // A bug, but this turn's alone: the others go on.
        console.error(cause);
        this.refuse('engine', 'the verifier failed');
      }
    }
  }

  private dispatch(bytes: Uint8Array): void {
    const { session } = this;
    const type = frameType(bytes);
    if (!session) {
      if (type !== FrameType.open) throw new FrameError('the first frame must be open');
      return this.open(bytes);
    }
    switch (type) {
      case FrameType.tree:
        session.receiveTree(bytes);
        return this.context.scheduler.wake();
      case FrameType.spans:
        return session.receiveSpans(bytes);
      case FrameType.read:
        this.outbox!.wasRead(decodeRead(bytes));
        return this.context.scheduler.wake();
      case FrameType.cancel:
        decodeCancel(bytes);
        return this.end(CloseCode.normal);
      default:
        throw new FrameError(`frame type ${type} is not expected after open`);
    }
  }

  private open(bytes: Uint8Array): void {
    const { engine, scheduler, nucleus, limits, echo, draining } = this.context;
    const version = openVersion(bytes);
    if (version !== PROTOCOL_VERSION) {
      throw new Refusal(
        'version',
        `this verifier speaks version ${PROTOCOL_VERSION}, not ${version}`,
      );
    }
    if (draining()) throw new Refusal('draining', 'this verifier shuts down');
    const { settings, prompt } = decodeOpen(bytes);
    const turn = admit(settings, prompt, limits);
    const slot = engine.acquire(prompt, prompt.length + turn.maxTokens, turn.namespace);
    if (!slot) {
      throw new Refusal('overloaded', 'every slot of this verifier is taken', RETRY_AFTER_MS);
    }
    this.outbox = new Outbox(this, prompt.length);
    const beside = turn.drafting === 'echoed' ? echo(turn) : null;
    this.session = new Session(turn, slot, engine, nucleus, this.outbox, beside);
    scheduler.add(this.session);
    this.send(
      encodeReady({
        promptTokens: prompt.length,
        cachedTokens: slot.cached,
        credit: TREE_CREDIT,
        active: scheduler.active,
        slots: engine.limits.slots,
        ...(turn.grammar?.unenforced.length && { unenforced: turn.grammar.unenforced }),
      }),
    );
  }

  private drained(): void {
    if (this.over) return;
    this.outbox?.drained();
    this.context.scheduler.wake();
  }

  private beat(): void {
    const { clock, scheduler } = this.context;
    const now = clock.now();
    if (!this.session) {
      if (now - this.openedAt >= OPEN_DEADLINE_MS) {
        this.refuse('bad-frame', `no open frame within ${OPEN_DEADLINE_MS} ms`);
      }
      return;
    }
    this.waitsSince = this.session.waitsForWorker ? (this.waitsSince ?? now) : null;
    if (this.waitsSince !== null && now - this.waitsSince >= WORKER_DEADLINE_MS) {
      return this.refuse(
        'stalled',
        `the worker read and sent nothing for ${WORKER_DEADLINE_MS} ms`,
      );
    }
    // Silence is how a worker learns that the engine hangs.
    if (scheduler.alive && now - this.sentAt >= HEARTBEAT_MS) {
      this.send(encodeProgress(this.session.slot.length));
    }
  }

  private refuse(code: LinkErrorCode, message: string): void {
    this.send(encodeError({ code, message, retryAfterMs: 0 }));
  }

  /** Nothing more is said; the slot is free as soon as no step uses it. */
  private end(closeCode: number): void {
    this.leave();
    this.transport.close(closeCode);
  }

  private leave(): void {
    if (this.over) return;
    this.over = true;
    this.stopHeartbeat();
    this.session?.abandon();
    this.context.scheduler.wake();
  }
}

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
  encodeQueued,
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
import type { LocalDrafters, Seat } from '../drafters/local-drafters.ts';
import type { Engine, Slot } from '../engine/engine.ts';
import { type AdmitLimits, admit, type Turn } from '../turn/admit.ts';
import { TREE_CREDIT } from '../turn/candidates.ts';
import { Outbox } from '../turn/outbox.ts';
import { Refusal } from '../turn/refusal.ts';
import type { Scheduler } from '../turn/scheduler.ts';
import { Session } from '../turn/session.ts';
import type { WaitingRoom } from '../turn/waiting-room.ts';

/** A link that has not sent `open` by then is closed. */
export const OPEN_DEADLINE_MS = 10_000;
/** A worker that hears nothing for four of these goes elsewhere. */
export const HEARTBEAT_MS = 1_000;
/** Bytes of spans and of one tree that are held for a turn that waits for its slot. */
const MAX_HELD_BYTES = 1 << 18;
/** A session that waits for its worker so long is ended: its slot is worth more to others. */
export const WORKER_DEADLINE_MS = 60_000;

export interface LinkContext {
  engine: Engine;
  scheduler: Scheduler;
  room: WaitingRoom;
  nucleus: Nucleus;
  limits: AdmitLimits;
  clock: Clock;
  /** Drafts beside the engine for turns in mode `echoed`. */
  drafters: Pick<LocalDrafters, 'seat'>;
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
  /** While the turn waits for a slot: how it leaves, and what its worker has sent for it. */
  private queued: { leave: () => void; frames: Uint8Array[]; bytes: number } | null = null;
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
    this.receiving(() => {
      if (!message) throw new FrameError('frames are binary');
      this.dispatch(this.opener.open(message));
    });
  }

  /** Whatever `task` throws ends the turn, and only this one. */
  private receiving(task: () => void): void {
    try {
      task();
    } catch (cause) {
      if (cause instanceof Refusal) this.send(encodeError(cause));
      else if (cause instanceof SealError) this.refuse('damaged', cause.message);
      else if (cause instanceof FrameError) this.refuse('bad-frame', cause.message);
      else {
        // A bug, but this turn's alone: the others continue.
        console.error(cause);
        this.refuse('engine', 'the verifier failed');
      }
    }
  }

  private dispatch(bytes: Uint8Array): void {
    const { session } = this;
    const type = frameType(bytes);
    if (this.queued && type !== FrameType.cancel) return this.hold(bytes, this.queued);
    if (!session && !this.queued) {
      if (type !== FrameType.open) throw new FrameError('the first frame must be open');
      return this.open(bytes);
    }
    switch (type) {
      case FrameType.tree:
        session!.receiveTree(bytes);
        return this.context.scheduler.wake();
      case FrameType.spans:
        return session!.receiveSpans(bytes);
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
    const { engine, room, limits, draining } = this.context;
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
    const acquire = () => engine.acquire(prompt, prompt.length + turn.maxTokens, turn.namespace);
    const asker = { namespace: turn.namespace, resumed: turn.resumed > 0 };
    const slot = room.admits(asker) ? acquire() : null;
    if (slot) return this.begin(turn, slot);
    const leave = room.enter({
      ...asker,
      tokens: prompt.length,
      maxWaitMs: turn.maxWaitMs,
      begin: () => {
        const free = acquire();
        if (free) this.receiving(() => this.begin(turn, free));
        return free !== null;
      },
      refuse: (refusal) => this.send(encodeError(refusal)),
    });
    this.queued = { leave, frames: [], bytes: 0 };
    this.send(encodeQueued(room.size - 1));
  }

  private begin(turn: Turn, slot: Slot): void {
    const { engine, scheduler, room } = this.context;
    const { prompt } = turn;
    const held = this.queued?.frames ?? [];
    this.queued = null;
    this.outbox = new Outbox(this, prompt.length);
    this.session = this.sessionOf(turn, slot, this.outbox);
    room.took(this.session, turn.namespace);
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
    for (const frame of held) this.dispatch(frame);
  }

  /** The session in `slot`. Where it can't be made nobody else would ever free the slot. */
  private sessionOf(turn: Turn, slot: Slot, outbox: Outbox): Session {
    const { engine, nucleus, drafters } = this.context;
    let seat: Seat | null = null;
    try {
      seat = turn.drafting === 'echoed' ? drafters.seat(turn) : null;
      return new Session(turn, slot, engine, nucleus, outbox, seat);
    } catch (cause) {
      seat?.end();
      engine.release(slot);
      throw cause;
    }
  }

  /** Keeps what a worker sends for a turn that waits: spans, and the one tree that it may send before `ready`. */
  private hold(bytes: Uint8Array, queued: { frames: Uint8Array[]; bytes: number }): void {
    const type = frameType(bytes);
    const tree = queued.frames.some((frame) => frameType(frame) === FrameType.tree);
    const expected = type === FrameType.spans || (type === FrameType.tree && !tree);
    if (!expected) throw new FrameError(`frame type ${type} is not expected before ready`);
    queued.bytes += bytes.length;
    if (queued.bytes > MAX_HELD_BYTES) {
      throw new FrameError(`more than ${MAX_HELD_BYTES} bytes before ready`);
    }
    queued.frames.push(bytes.slice());
  }

  private drained(): void {
    if (this.over) return;
    this.outbox?.drained();
    this.context.scheduler.wake();
  }

  private beat(): void {
    const { clock, scheduler, room } = this.context;
    const now = clock.now();
    if (this.queued) {
      if (scheduler.alive) this.send(encodeQueued(room.size - 1));
      return;
    }
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
    this.queued?.leave();
    this.session?.abandon();
    this.context.scheduler.wake();
  }
}

/**
 * One link: the protocol's state machine around a socket. `open` first and
 * once, then trees, then `cancel` or a close. Whatever breaks a rule gets an
 * `error` frame that says which, and the link is closed.
 */
import type { RawData, WebSocket } from 'ws';
import {
  decodeOpen,
  encodeAccept,
  encodeDone,
  encodeError,
  encodeReady,
  FrameError,
  FrameType,
  frameType,
  type LinkErrorCode,
  openVersion,
  PROTOCOL_VERSION,
} from '../src/link/frames/index.ts';
import type { Nucleus } from './accept/warp.ts';
import { type AdmitLimits, admit, Refusal } from './admit.ts';
import { TREE_CREDIT } from './candidates.ts';
import type { Engine } from './engine/engine.ts';
import type { Scheduler } from './scheduler.ts';
import { type Outbox, Session } from './session.ts';

/** A link that has not sent `open` by then is closed. */
export const OPEN_DEADLINE_MS = 10_000;
/** Bytes the socket may hold unsent before the session pauses: the backpressure reaches the GPU, not the memory. */
export const MAX_UNSENT_BYTES = 1 << 18;
/** How soon a refused worker should try again, when all slots are taken. */
export const RETRY_AFTER_MS = 1_000;

export interface LinkContext {
  engine: Engine;
  scheduler: Scheduler;
  nucleus: Nucleus;
  limits: AdmitLimits;
}

export function serveLink(socket: WebSocket, context: LinkContext): void {
  let session: Session | null = null;
  const deadline = setTimeout(
    () => refuse('bad-frame', `no open frame within ${OPEN_DEADLINE_MS} ms`),
    OPEN_DEADLINE_MS,
  );

  function refuse(code: LinkErrorCode, message: string, retryAfterMs = 0): void {
    socket.send(encodeError({ code, message, retryAfterMs }));
    socket.close(1002, code);
    leave();
  }

  function leave(): void {
    clearTimeout(deadline);
    session?.abandon();
    context.scheduler.wake();
  }

  const outbox: Outbox = {
    accept: (frame) => {
      socket.send(encodeAccept(frame), resumeIfDrained);
    },
    done: (frame) => {
      socket.send(encodeDone(frame));
      socket.close(1000);
    },
    error: (frame) => {
      socket.send(encodeError(frame));
      socket.close(1011, frame.code);
    },
    congested: () => socket.bufferedAmount > MAX_UNSENT_BYTES,
  };

  function resumeIfDrained(): void {
    if (!outbox.congested()) context.scheduler.wake();
  }

  function open(bytes: Uint8Array): void {
    clearTimeout(deadline);
    const version = openVersion(bytes);
    if (version !== PROTOCOL_VERSION) {
      return refuse('version', `this verifier speaks version ${PROTOCOL_VERSION}, not ${version}`);
    }
    const { settings, prompt } = decodeOpen(bytes);
    const turn = admit(settings, prompt, context.limits);
    const slot = context.engine.acquire(prompt, prompt.length + turn.maxTokens, turn.namespace);
    if (!slot) {
      return refuse('overloaded', 'every slot of this verifier is taken', RETRY_AFTER_MS);
    }
    session = new Session(turn, slot, context.engine, context.nucleus, outbox);
    socket.send(
      encodeReady({
        promptTokens: prompt.length,
        cachedTokens: slot.cached,
        credit: TREE_CREDIT,
      }),
    );
    context.scheduler.add(session);
  }

  function receive(bytes: Uint8Array): void {
    const type = frameType(bytes);
    if (!session) {
      if (type !== FrameType.open) throw new FrameError('the first frame must be open');
      return open(bytes);
    }
    switch (type) {
      case FrameType.tree:
        session.receiveTree(bytes);
        return context.scheduler.wake();
      case FrameType.cancel:
        return leave();
      default:
        throw new FrameError(`frame type ${type} is not expected after open`);
    }
  }

  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (session?.ended || socket.readyState !== socket.OPEN) return;
    try {
      if (!isBinary) throw new FrameError('frames are binary');
      receive(data as Buffer);
    } catch (cause) {
      if (cause instanceof Refusal) refuse(cause.code, cause.message);
      else if (cause instanceof FrameError) refuse('bad-frame', cause.message);
      else throw cause;
    }
  });
  socket.on('close', leave);
  // 'close' follows every 'error'; without a listener Node would throw it.
  socket.on('error', () => {});
}

/**
 * The worker's end of the link: one WebSocket a turn, frames out, events in.
 * Connecting needs no prompt, so it goes on beside retrieval.
 */
import type { TokenTree } from '../draft/tree.ts';
import {
  type Accept,
  type Done,
  decodeAccept,
  decodeDone,
  decodeError,
  decodeReady,
  encodeCancel,
  encodeOpen,
  encodeTree,
  FrameType,
  frameType,
  type LinkErrorCode,
  type Open,
  type Ready,
} from './frames/index.ts';

export type LinkEvent =
  | ({ type: 'ready' } & Ready)
  | ({ type: 'accept' } & Accept)
  | ({ type: 'done' } & Done);

/** Why a link ended without `done`. `unreachable` and `lost` come from here, the rest from the verifier. */
export class LinkFailure extends Error {
  override name = 'LinkFailure';
  readonly code: LinkErrorCode | 'unreachable' | 'lost';
  readonly retryAfterMs: number;
  constructor(code: LinkFailure['code'], message: string, retryAfterMs = 0) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Frames received but not yet read by the turn. A turn that stops reading is cut off here, not in memory. */
export const MAX_QUEUED_EVENTS = 1024;

export class Link {
  private readonly socket: WebSocket;
  private readonly queue: LinkEvent[] = [];
  private failure: LinkFailure | null = null;
  private finished = false;
  private waiting: (() => void) | null = null;
  /** Tree frames that may be sent now. One is allowed ahead of `ready`. */
  private credit = 1;

  constructor(socket: WebSocket, open: Open) {
    this.socket = socket;
    socket.addEventListener('message', (event) => this.receive(event.data));
    socket.addEventListener('close', (event) =>
      this.fail(
        new LinkFailure('lost', `the verifier closed the link (${event.code}) in mid-answer`),
      ),
    );
    socket.addEventListener('error', () =>
      this.fail(new LinkFailure('lost', 'the link to the verifier broke in mid-answer')),
    );
    socket.send(encodeOpen(open));
  }

  /** Whether the verifier has room for another tree. */
  get canSend(): boolean {
    return this.credit > 0 && !this.finished;
  }

  /** Sends candidates that follow absolute position `base`. Needs `canSend`. */
  sendTree(tree: TokenTree, base: number): void {
    this.credit--;
    this.socket.send(encodeTree(tree, base));
  }

  /** Ends the turn: the verifier frees the session as soon as the step in flight is over. */
  close(): void {
    if (this.finished) return;
    this.finished = true;
    try {
      this.socket.send(encodeCancel());
      this.socket.close(1000);
    } catch {
      // Closed by the other side in this very moment: what was wanted.
    }
  }

  /** Events in order, until `done`. Throws `LinkFailure` when the link ends without it. */
  async *events(): AsyncGenerator<LinkEvent> {
    for (;;) {
      const event = this.queue.shift();
      if (event) {
        yield event;
        if (event.type === 'done') return;
      } else if (this.failure) {
        throw this.failure;
      } else {
        await new Promise<void>((resolve) => {
          this.waiting = resolve;
        });
      }
    }
  }

  private receive(data: unknown): void {
    if (this.failure || this.finished) return;
    try {
      if (!(data instanceof ArrayBuffer)) throw new Error('a text frame');
      this.dispatch(new Uint8Array(data));
    } catch (cause) {
      this.fail(
        new LinkFailure('bad-frame', `the verifier sent a bad frame: ${(cause as Error).message}`),
      );
      this.socket.close(1002);
    }
  }

  private dispatch(bytes: Uint8Array): void {
    switch (frameType(bytes)) {
      case FrameType.ready: {
        const ready = decodeReady(bytes);
        this.credit += ready.credit - 1;
        return this.push({ type: 'ready', ...ready });
      }
      case FrameType.accept: {
        const accept = decodeAccept(bytes);
        this.credit += accept.credit;
        return this.push({ type: 'accept', ...accept });
      }
      case FrameType.done:
        this.push({ type: 'done', ...decodeDone(bytes) });
        return this.close();
      case FrameType.error: {
        const { code, message, retryAfterMs } = decodeError(bytes);
        return this.fail(new LinkFailure(code, message, retryAfterMs));
      }
      default:
        throw new Error(`type ${frameType(bytes)}`);
    }
  }

  private push(event: LinkEvent): void {
    if (this.queue.length === MAX_QUEUED_EVENTS) {
      throw new Error(`more than ${MAX_QUEUED_EVENTS} frames ahead of the reader`);
    }
    this.queue.push(event);
    this.wake();
  }

  private fail(failure: LinkFailure): void {
    if (this.finished) return;
    this.failure ??= failure;
    this.wake();
  }

  private wake(): void {
    this.waiting?.();
    this.waiting = null;
  }
}

/** A socket to the verifier at `url`. Throws `LinkFailure('unreachable')` when none answers. */
export async function connect(url: string): Promise<WebSocket> {
  let response: Response;
  try {
    response = await fetch(`${url}/v1/link`, { headers: { upgrade: 'websocket' } });
  } catch (cause) {
    throw new LinkFailure(
      'unreachable',
      `no verifier answers at ${url}: ${(cause as Error).message}`,
    );
  }
  const socket = response.webSocket;
  if (!socket) {
    throw new LinkFailure(
      'unreachable',
      `the verifier at ${url} answered ${response.status}`,
      1000,
    );
  }
  socket.binaryType = 'arraybuffer';
  socket.accept();
  return socket;
}

/**
 * The worker's end of one link: frames out, events in, and the rules of the
 * protocol that the worker can hold the verifier to. Ends once, with `done` or
 * with a `LinkFailure`; `failover.ts` makes several of them one turn.
 */
import type { TokenTree } from '../draft/tree/tree.ts';
import { closedHere, LinkFailure } from './failure.ts';
import {
  type Accept,
  type Clock,
  CloseCode,
  type Done,
  type DraftWord,
  decodeAccept,
  decodeDone,
  decodeError,
  decodeProgress,
  decodeQueued,
  decodeReady,
  encodeCancel,
  encodeOpen,
  encodeRead,
  encodeSpans,
  encodeTree,
  every,
  FrameError,
  FrameType,
  frameType,
  MAX_ACCEPT_TOKENS,
  MAX_FRAME_SPAN_TOKENS,
  MAX_SPANS,
  MAX_UNREAD_TOKENS,
  type Open,
  Opener,
  READ_STRIDE_TOKENS,
  type Ready,
  SealError,
  Sealer,
  type Span,
  type Transport,
} from './protocol/index.ts';

export type LinkEvent =
  | ({ type: 'ready' } & Ready)
  | ({ type: 'accept' } & Accept)
  /** So many tokens are in the session's cache: of a long prompt, those that were read. */
  | { type: 'progress'; cached: number }
  | ({ type: 'done' } & Done);

/** A verifier that says nothing for so long is given up. It has a heartbeat of a quarter of it. */
export const SILENCE_DEADLINE_MS = 4_000;
/** Times that a worker looks for a word within that. */
const LOOKS = 4;

export class Link {
  private readonly transport: Transport;
  private readonly clock: Clock;
  private readonly sealer = new Sealer();
  private readonly opener = new Opener();
  private readonly queue: LinkEvent[] = [];
  private readonly stopWatch: () => void;
  private lastHeard: number;
  private failure: LinkFailure | null = null;
  private finished = false;
  private waiting: (() => void) | null = null;
  /** Tree frames that may be sent now. One is allowed ahead of `ready`. */
  private credit = 1;
  private isReady = false;
  /** Absolute position of the next token that the verifier may commit. */
  private expected: number;
  private readSaid: number;
  /** Since something was heard. */
  private looks = 0;
  /** What `open` asked to be told in `accept`. */
  private readonly logprobs: number | null;

  /** Sends `open`: the connection must be up. */
  constructor(transport: Transport, clock: Clock, open: Open) {
    this.transport = transport;
    this.clock = clock;
    this.expected = this.readSaid = open.prompt.length;
    this.logprobs = open.settings.logprobs ?? null;
    this.lastHeard = clock.now();
    this.stopWatch = every(clock, SILENCE_DEADLINE_MS / LOOKS, () => this.watch());
    transport.attach({
      message: (data) => this.receive(data),
      closed: (code) =>
        this.fail(new LinkFailure('lost', `the verifier closed the link (${code}) in mid-answer`)),
      drained: () => {},
    });
    this.send(encodeOpen(open));
  }

  /** Whether the verifier has room for another tree. */
  get canSend(): boolean {
    return this.credit > 0 && !this.over;
  }

  /** Whether everything that came has been read. */
  get caughtUp(): boolean {
    return this.queue.length === 0;
  }

  /** Sends candidates that follow absolute position `base`. Needs `canSend`. */
  sendTree(tree: TokenTree, base: number, words?: readonly DraftWord[]): void {
    this.credit--;
    this.send(encodeTree(tree, base, words));
  }

  /** Sends spans in as many frames as they take. At most `MAX_SPAN_TOKENS` in a turn. */
  sendSpans(spans: readonly Span[]): void {
    for (const some of framesOf(spans)) this.send(encodeSpans(some));
  }

  /** Ends the turn: the verifier frees the session as soon as the step in flight is over. */
  close(): void {
    if (!this.over) this.send(encodeCancel());
    this.finish();
  }

  /** Events in order, until `done`. Throws `LinkFailure` when the link ends without it, by `close` too. */
  async *events(): AsyncGenerator<LinkEvent> {
    for (;;) {
      const event = this.queue.shift();
      if (event) {
        yield event;
        if (event.type === 'accept') this.wasRead(event.position + event.tokens.length);
        if (event.type === 'done') return;
      } else if (this.failure) {
        throw this.failure;
      } else if (this.finished) {
        throw closedHere();
      } else {
        await new Promise<void>((resolve) => {
          this.waiting = resolve;
        });
      }
    }
  }

  private get over(): boolean {
    return this.finished || this.failure !== null;
  }

  private send(frame: Uint8Array): void {
    if (!this.over) this.transport.send(this.sealer.seal(frame));
  }

  private wasRead(position: number): void {
    if (position - this.readSaid < READ_STRIDE_TOKENS) return;
    this.readSaid = position;
    this.send(encodeRead(position));
  }

  /**
   * Silence counts only while this worker is awake: one that could not run for
   * seconds wakes to a late timer, with all that was said still waiting to be heard.
   */
  private watch(): void {
    const silence = this.clock.now() - this.lastHeard;
    this.looks++;
    if (silence < SILENCE_DEADLINE_MS || this.looks < LOOKS) return;
    this.fail(new LinkFailure('silent', `the verifier said nothing for ${Math.round(silence)} ms`));
  }

  private receive(message: Uint8Array | null): void {
    if (this.over) return;
    this.lastHeard = this.clock.now();
    this.looks = 0;
    try {
      if (!message) throw new FrameError('a text message');
      this.dispatch(this.opener.open(message));
    } catch (cause) {
      if (!(cause instanceof FrameError)) throw cause;
      const code = cause instanceof SealError ? 'damaged' : 'bad-frame';
      this.fail(new LinkFailure(code, `the verifier sent a bad frame: ${cause.message}`));
    }
  }

  private dispatch(bytes: Uint8Array): void {
    const type = frameType(bytes);
    if (type === FrameType.error) {
      const { code, message, retryAfterMs, path } = decodeError(bytes);
      return this.fail(new LinkFailure(code, message, retryAfterMs, path));
    }
    if (type === FrameType.queued && !this.isReady) return void decodeQueued(bytes);
    if (this.isReady === (type === FrameType.ready)) {
      throw new FrameError(`frame type ${type} ${this.isReady ? 'again' : 'before ready'}`);
    }
    switch (type) {
      case FrameType.ready: {
        const ready = decodeReady(bytes);
        this.isReady = true;
        this.credit += ready.credit - 1;
        return this.push({ type: 'ready', ...ready });
      }
      case FrameType.accept: {
        const accept = decodeAccept(bytes);
        this.expect(accept);
        this.credit += accept.credit;
        return this.push({ type: 'accept', ...accept });
      }
      case FrameType.progress:
        return this.progress(decodeProgress(bytes));
      case FrameType.done:
        this.push({ type: 'done', ...decodeDone(bytes) });
        return this.finish();
      default:
        throw new FrameError(`frame type ${type} is not the verifier's`);
    }
  }

  private expect({ position, tokens, logprobs }: Accept): void {
    const told = logprobs?.top ?? null;
    if (told !== this.logprobs) {
      throw new FrameError(`logprobs ${told}, but ${this.logprobs} were asked for`);
    }
    if (position !== this.expected) {
      throw new FrameError(`tokens at ${position}, but ${this.expected} is next`);
    }
    this.expected += tokens.length;
    // The verifier pauses once so many are unread; the step before that may go beyond.
    if (this.expected - this.readSaid > MAX_UNREAD_TOKENS + MAX_ACCEPT_TOKENS) {
      throw new FrameError(`more than ${MAX_UNREAD_TOKENS} tokens ahead of the reader`);
    }
  }

  /** Of several that nobody has read only the last one counts. */
  private progress(cached: number): void {
    if (this.queue.at(-1)?.type === 'progress') this.queue.pop();
    this.push({ type: 'progress', cached });
  }

  private push(event: LinkEvent): void {
    this.queue.push(event);
    this.wake();
  }

  private fail(failure: LinkFailure): void {
    if (this.over) return;
    this.failure = failure;
    this.stopWatch();
    this.transport.close(CloseCode.protocolError, failure.code);
    this.wake();
  }

  private finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.stopWatch();
    this.transport.close(CloseCode.normal);
    this.wake();
  }

  private wake(): void {
    this.waiting?.();
    this.waiting = null;
  }
}

/** Spans in groups that each fit one frame. */
function framesOf(spans: readonly Span[]): Span[][] {
  const frames: Span[][] = [];
  let room = 0;
  for (const span of spans) {
    const last = frames.at(-1);
    if (last && last.length < MAX_SPANS && span.tokens.length <= room) {
      last.push(span);
      room -= span.tokens.length;
    } else {
      frames.push([span]);
      room = MAX_FRAME_SPAN_TOKENS - span.tokens.length;
    }
  }
  return frames;
}

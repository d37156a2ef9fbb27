/**
 * A session's frames on their way to the worker, at the pace of both the socket
 * and the reader behind it. What a slow socket can't take is merged into one
 * `accept`; when that is full, or too much is unread, the session pauses. So a
 * slow reader costs a bounded number of bytes here, and no step of the engine.
 */
import { MAX_VERIFIED_NODES } from '../../src/draft/tree/budget.ts';
import {
  type Accept,
  type Done,
  encodeAccept,
  encodeDone,
  encodeError,
  FrameError,
  type LinkError,
  MAX_ACCEPT_TOKENS,
  MAX_UNREAD_TOKENS,
  mergeLogprobs,
} from '../../src/link/protocol/index.ts';

/** Bytes a socket may hold unsent before frames are merged: some round trips' worth at any sensible speed. */
export const MERGE_ABOVE_BYTES = 1 << 12;

/** The sending side of the link's connection. */
export interface Wire {
  send(frame: Uint8Array): void;
  readonly unsent: number;
}

export class Outbox {
  private readonly wire: Wire;
  private waiting: Accept | null = null;
  /** Absolute positions: what was committed, and what the worker has read. */
  private committed: number;
  private read: number;

  constructor(wire: Wire, promptLength: number) {
    this.wire = wire;
    this.committed = this.read = promptLength;
  }

  /** Whether another step could exceed what may be under way. */
  get congested(): boolean {
    const held = this.waiting?.tokens.length ?? 0;
    return (
      held + MAX_VERIFIED_NODES + 1 > MAX_ACCEPT_TOKENS ||
      this.committed - this.read >= MAX_UNREAD_TOKENS
    );
  }

  accept(frame: Accept): void {
    this.committed = frame.position + frame.tokens.length;
    this.waiting = this.waiting ? merge(this.waiting, frame) : frame;
    if (this.wire.unsent <= MERGE_ABOVE_BYTES) this.flush();
  }

  /** The socket has room again. */
  drained(): void {
    if (this.wire.unsent <= MERGE_ABOVE_BYTES) this.flush();
  }

  /** The worker's reader got as far as `position`. Throws `FrameError` when it can't have. */
  wasRead(position: number): void {
    if (position <= this.read || position > this.committed) {
      throw new FrameError(`read up to ${position}, but ${this.read} of ${this.committed} were`);
    }
    this.read = position;
  }

  done(frame: Done): void {
    this.flush();
    this.wire.send(encodeDone(frame));
  }

  error(frame: LinkError): void {
    this.flush();
    this.wire.send(encodeError(frame));
  }

  private flush(): void {
    if (!this.waiting) return;
    this.wire.send(encodeAccept(this.waiting));
    this.waiting = null;
  }
}

function merge(first: Accept, second: Accept): Accept {
  const tokens = new Int32Array(first.tokens.length + second.tokens.length);
  tokens.set(first.tokens);
  tokens.set(second.tokens, first.tokens.length);
  const sources = new Uint8Array(tokens.length);
  sources.set(first.sources);
  sources.set(second.sources, first.sources.length);
  const logprobs = mergeLogprobs(first.logprobs, second.logprobs);
  const deviations = (first.deviations ?? 0) + (second.deviations ?? 0);
  const moved = (first.moved ?? 0) + (second.moved ?? 0);
  return {
    position: first.position,
    tokens,
    sources,
    steps: first.steps + second.steps,
    drafted: first.drafted + second.drafted,
    credit: first.credit + second.credit,
    stepMicros: first.stepMicros + second.stepMicros,
    ...(logprobs && { logprobs }),
    ...(deviations > 0 && { deviations }),
    ...(moved > 0 && { moved }),
  };
}

/** Frames that carry no tokens: `cancel` and `read` from the worker, `progress` and `queued` from the verifier. */
import { Reader } from './reader.ts';
import { FrameType } from './wire.ts';
import { Writer } from './writer.ts';

/**
 * Tokens committed that the worker has not said to have read. A verifier with
 * so many outstanding pauses the session: a slow reader costs no memory anywhere.
 */
export const MAX_UNREAD_TOKENS = 1024;
/** The worker says what it has read about so often. */
export const READ_STRIDE_TOKENS = 256;

/** The worker no longer needs the rest. */
export function encodeCancel(): Uint8Array {
  return new Writer(FrameType.cancel).finish();
}

export function decodeCancel(bytes: Uint8Array): void {
  new Reader(bytes, FrameType.cancel).end();
}

/** The worker's reader has taken everything before absolute position `position`. */
export function encodeRead(position: number): Uint8Array {
  return encodePosition(FrameType.read, position);
}

export function decodeRead(bytes: Uint8Array): number {
  return decodePosition(FrameType.read, bytes);
}

/** The verifier is alive: `position` tokens are in the session's cache. Sent when nothing else was for a while. */
export function encodeProgress(position: number): Uint8Array {
  return encodePosition(FrameType.progress, position);
}

export function decodeProgress(bytes: Uint8Array): number {
  return decodePosition(FrameType.progress, bytes);
}

/** The turn waits for a slot, as do `others`. Sent at once and then every second, until `ready` or `error`. */
export function encodeQueued(others: number): Uint8Array {
  return encodePosition(FrameType.queued, others);
}

export function decodeQueued(bytes: Uint8Array): number {
  return decodePosition(FrameType.queued, bytes);
}

function encodePosition(type: number, position: number): Uint8Array {
  const writer = new Writer(type);
  writer.pad(3);
  writer.u32(position);
  return writer.finish();
}

function decodePosition(type: number, bytes: Uint8Array): number {
  const reader = new Reader(bytes, type);
  reader.skip(3);
  const position = reader.u32();
  reader.end();
  return position;
}

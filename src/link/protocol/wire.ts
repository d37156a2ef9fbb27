/**
 * What all frames share: types, limits, and reading and writing that trusts
 * nothing. Every decoder checks the exact length, every count against its named
 * limit and every value's range, and throws `FrameError` before anything is
 * allocated from a number the other side chose.
 */
import { SOURCE_NAMES, type Source } from '../../draft/source.ts';

export const PROTOCOL_VERSION = 1;

/** Longest frame either side accepts; the largest legal `open` fits. */
export const MAX_FRAME_BYTES = 1 << 20;
export const MAX_PROMPT_TOKENS = 1 << 17;
export const MAX_SETTINGS_BYTES = 1 << 16;
/** Tokens in one `accept` frame: a path through the largest tree verified, and the target's own. */
export const MAX_ACCEPT_TOKENS = 255;
export const MAX_MESSAGE_BYTES = 1024;
export const MAX_TOKEN_ID = (1 << 24) - 1;

export const FrameType = {
  open: 0x01,
  spans: 0x02,
  tree: 0x03,
  cancel: 0x04,
  read: 0x05,
  ready: 0x81,
  accept: 0x82,
  done: 0x83,
  error: 0x84,
  progress: 0x85,
} as const;

/** A malformed or oversized frame. The link is closed after it: framing can't be trusted any more. */
export class FrameError extends Error {
  override name = 'FrameError';
}

/** Flag of frames with token ids: they take four bytes instead of two. */
export const WIDE_TOKENS = 1;

export function frame(type: number, bytes: number): DataView {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint8(0, type);
  return view;
}

export function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer);
}

export function fail(message: string): never {
  throw new FrameError(message);
}

export function viewOf(bytes: Uint8Array, type: number, least: number): DataView {
  if (bytes.byteLength > MAX_FRAME_BYTES) {
    fail(`frame of ${bytes.byteLength} bytes; at most ${MAX_FRAME_BYTES}`);
  }
  if (bytes.byteLength < least) fail(`frame of ${bytes.byteLength} bytes is cut short`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== type) fail(`frame type ${view.getUint8(0)}, expected ${type}`);
  return view;
}

export function exactly(view: DataView, bytes: number): void {
  if (view.byteLength !== bytes) fail(`frame of ${view.byteLength} bytes, expected ${bytes}`);
}

export function writeTokens(
  view: DataView,
  at: number,
  tokens: ArrayLike<number>,
  n: number,
  wide: boolean,
): number {
  for (let i = 0; i < n; i++) {
    if (wide) view.setUint32(at, tokens[i]!, true);
    else view.setUint16(at, tokens[i]!, true);
    at += wide ? 4 : 2;
  }
  return at;
}

export function readToken(view: DataView, at: number, wide: boolean): number {
  const id = wide ? view.getUint32(at, true) : view.getUint16(at, true);
  if (id > MAX_TOKEN_ID) fail(`token id ${id}; at most ${MAX_TOKEN_ID}`);
  return id;
}

export function needsWide(tokens: ArrayLike<number>, n: number): boolean {
  for (let i = 0; i < n; i++) if (tokens[i]! > 0xffff) return true;
  return false;
}

export function readSource(byte: number): Source {
  if (byte >= SOURCE_NAMES.length) fail(`source ${byte} is not known`);
  return byte as Source;
}

/** Type byte of a frame, or -1 for an empty one. */
export function frameType(bytes: Uint8Array): number {
  return bytes.byteLength === 0 ? -1 : bytes[0]!;
}

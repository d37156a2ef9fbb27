/**
 * What all frames share: types and limits. Every decoder checks the exact length,
 * every count against its named limit and every value's range, and throws
 * `FrameError` before anything is allocated from a number the other side chose.
 */
export const PROTOCOL_VERSION = 1;

/** Longest frame either side accepts; the largest legal `open` fits. */
export const MAX_FRAME_BYTES = 1 << 20;
export const MAX_PROMPT_TOKENS = 1 << 17;
/** Schemas of 128 KiB beside the most regions and biases. */
export const MAX_SETTINGS_BYTES = 3 << 16;
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
  queued: 0x86,
} as const;

/** A malformed or oversized frame. The link is closed after it: framing can't be trusted any more. */
export class FrameError extends Error {
  override name = 'FrameError';
}

/** Flag of frames with token ids: they take four bytes instead of two. */
export const WIDE_TOKENS = 1;

export function fail(message: string): never {
  throw new FrameError(message);
}

/** Type byte of a frame, or -1 for an empty one. */
export function frameType(bytes: Uint8Array): number {
  return bytes.byteLength === 0 ? -1 : bytes[0]!;
}

/** What the verifier says: `ready`, `accept`, `done`, `error`. */
import {
  type Logprobs,
  logprobsBytes,
  logprobsTop,
  type Recycled,
  readLogprobs,
  readRecycled,
  recycledBytes,
  recycledRows,
  writeLogprobs,
  writeRecycled,
} from './step-report.ts';
import {
  bytesOf,
  exactly,
  FrameType,
  fail,
  frame,
  MAX_MESSAGE_BYTES,
  needsWide,
  PROTOCOL_VERSION,
  readSource,
  readToken,
  viewOf,
  WIDE_TOKENS,
  writeTokens,
} from './wire.ts';

export const DONE_REASONS = ['stop', 'length', 'cancelled'] as const;
export type DoneReason = (typeof DONE_REASONS)[number];

export const LINK_ERRORS = [
  'bad-frame',
  'version',
  'fingerprint',
  'too-long',
  'overloaded',
  'draining',
  'engine',
  'unauthorized',
  'damaged',
  'stalled',
  'grammar',
] as const;
export type LinkErrorCode = (typeof LINK_ERRORS)[number];

export interface Ready {
  promptTokens: number;
  /** Of them, how many were in the KV cache already. */
  cachedTokens: number;
  /** Tree frames the worker may have outstanding. */
  credit: number;
  /** Turns that hold a slot of this verifier now, this one included, and how many can. */
  active: number;
  slots: number;
}
/** What one step committed, or several, where the reader is slower than the steps. */
export interface Accept {
  /** Absolute position of the first token. */
  position: number;
  tokens: Int32Array;
  /** `Source` of each token. */
  sources: Uint8Array;
  steps: number;
  /** Nodes verified in these steps. */
  drafted: number;
  /** Tree frames taken in since the last `accept`: that much credit returns. */
  credit: number;
  /** Time of these steps. */
  stepMicros: number;
  /** Where `open` asked to `recycle`: likeliest successors of the tokens verified in these steps. */
  recycled?: Recycled;
  /** Where `open` asked for `logprobs`. */
  logprobs?: Logprobs;
}
export interface Done {
  reason: DoneReason;
  steps: number;
  drafted: number;
  accepted: number;
  prefillMicros: number;
  /** Tree frames that arrived too late to be of use. */
  stale: number;
}
export interface LinkError {
  code: LinkErrorCode;
  /** Milliseconds after which trying again makes sense; 0 for never. */
  retryAfterMs: number;
  message: string;
  /** Where in `open`'s grammar the fault is, for the code `grammar`; empty or absent for all of it. */
  path?: readonly (string | number)[];
}

const utf8 = new TextEncoder();

const READY_BYTES = 16;

export function encodeReady(ready: Ready): Uint8Array {
  const view = frame(FrameType.ready, READY_BYTES);
  view.setUint8(1, PROTOCOL_VERSION);
  view.setUint16(2, ready.credit, true);
  view.setUint32(4, ready.promptTokens, true);
  view.setUint32(8, ready.cachedTokens, true);
  view.setUint16(12, ready.active, true);
  view.setUint16(14, ready.slots, true);
  return bytesOf(view);
}

export function decodeReady(bytes: Uint8Array): Ready {
  const view = viewOf(bytes, FrameType.ready, READY_BYTES);
  exactly(view, READY_BYTES);
  return {
    credit: view.getUint16(2, true),
    promptTokens: view.getUint32(4, true),
    cachedTokens: view.getUint32(8, true),
    active: view.getUint16(12, true),
    slots: view.getUint16(14, true),
  };
}

const ACCEPT_HEADER = 16;
/** Flags of `accept`: sections that follow the sources. */
const RECYCLED = 2;
const LOGPROBS = 4;
const ACCEPT_FLAGS = WIDE_TOKENS | RECYCLED | LOGPROBS;

export function encodeAccept(accept: Accept): Uint8Array {
  const { tokens, recycled, logprobs } = accept;
  const n = tokens.length;
  const lists = [tokens, recycled?.tokens, recycled?.successors, logprobs?.topIds];
  const wide = lists.some((ids) => ids && needsWide(ids, ids.length));
  const bytes =
    ACCEPT_HEADER +
    n * ((wide ? 4 : 2) + 1) +
    (recycled ? recycledBytes(recycled.tokens.length, wide) : 0) +
    (logprobs ? logprobsBytes(n, logprobs.top, wide) : 0);
  const view = frame(FrameType.accept, bytes);
  view.setUint8(
    1,
    (wide ? WIDE_TOKENS : 0) | (recycled ? RECYCLED : 0) | (logprobs ? LOGPROBS : 0),
  );
  view.setUint8(2, n);
  view.setUint8(3, accept.credit);
  view.setUint32(4, accept.position, true);
  view.setUint32(8, accept.stepMicros, true);
  view.setUint16(12, accept.drafted, true);
  view.setUint16(14, accept.steps, true);
  let at = writeTokens(view, ACCEPT_HEADER, tokens, n, wide);
  new Uint8Array(view.buffer).set(accept.sources.subarray(0, n), at);
  at += n;
  if (recycled) at = writeRecycled(view, at, recycled, wide);
  if (logprobs) writeLogprobs(view, at, logprobs, wide);
  return bytesOf(view);
}

export function decodeAccept(bytes: Uint8Array): Accept {
  const view = viewOf(bytes, FrameType.accept, ACCEPT_HEADER);
  const flags = view.getUint8(1);
  if (flags > ACCEPT_FLAGS) fail(`accept flags ${flags} are not known`);
  const wide = (flags & WIDE_TOKENS) !== 0;
  const n = view.getUint8(2);
  if (n === 0) fail('accept frame without tokens');
  const sourcesAt = ACCEPT_HEADER + n * (wide ? 4 : 2);
  const recycledAt = sourcesAt + n;
  const rows = flags & RECYCLED ? recycledRows(view, recycledAt) : 0;
  const logprobsAt = recycledAt + (rows > 0 ? recycledBytes(rows, wide) : 0);
  const top = flags & LOGPROBS ? logprobsTop(view, logprobsAt) : null;
  exactly(view, logprobsAt + (top === null ? 0 : logprobsBytes(n, top, wide)));
  const tokens = new Int32Array(n);
  const sources = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    tokens[i] = readToken(view, ACCEPT_HEADER + i * (wide ? 4 : 2), wide);
    sources[i] = readSource(view.getUint8(sourcesAt + i));
  }
  return {
    position: view.getUint32(4, true),
    tokens,
    sources,
    steps: view.getUint16(14, true),
    drafted: view.getUint16(12, true),
    credit: view.getUint8(3),
    stepMicros: view.getUint32(8, true),
    ...(rows > 0 && { recycled: readRecycled(view, recycledAt, rows, wide) }),
    ...(top !== null && { logprobs: readLogprobs(view, logprobsAt, n, top, wide) }),
  };
}

const DONE_BYTES = 24;

export function encodeDone(frameDone: Done): Uint8Array {
  const view = frame(FrameType.done, DONE_BYTES);
  view.setUint8(1, DONE_REASONS.indexOf(frameDone.reason));
  view.setUint32(4, frameDone.steps, true);
  view.setUint32(8, frameDone.drafted, true);
  view.setUint32(12, frameDone.accepted, true);
  view.setUint32(16, frameDone.prefillMicros, true);
  view.setUint32(20, frameDone.stale, true);
  return bytesOf(view);
}

export function decodeDone(bytes: Uint8Array): Done {
  const view = viewOf(bytes, FrameType.done, DONE_BYTES);
  exactly(view, DONE_BYTES);
  const reason =
    DONE_REASONS[view.getUint8(1)] ?? fail(`done reason ${view.getUint8(1)} is not known`);
  return {
    reason,
    steps: view.getUint32(4, true),
    drafted: view.getUint32(8, true),
    accepted: view.getUint32(12, true),
    prefillMicros: view.getUint32(16, true),
    stale: view.getUint32(20, true),
  };
}

const ERROR_HEADER = 8;

export function encodeError(error: LinkError): Uint8Array {
  const message = utf8.encode(error.message).subarray(0, MAX_MESSAGE_BYTES);
  const path = encodePath(error.path ?? []);
  const view = frame(FrameType.error, ERROR_HEADER + message.length + path.length);
  view.setUint8(1, LINK_ERRORS.indexOf(error.code));
  view.setUint16(2, message.length, true);
  view.setUint32(4, error.retryAfterMs, true);
  new Uint8Array(view.buffer).set(message, ERROR_HEADER);
  new Uint8Array(view.buffer).set(path, ERROR_HEADER + message.length);
  return bytesOf(view);
}

/** As JSON, without what of its end does not fit. */
function encodePath(path: readonly (string | number)[]): Uint8Array {
  for (let length = path.length; length > 0; length--) {
    const json = utf8.encode(JSON.stringify(path.slice(0, length)));
    if (json.length <= MAX_MESSAGE_BYTES) return json;
  }
  return new Uint8Array(0);
}

export function decodeError(bytes: Uint8Array): LinkError {
  const view = viewOf(bytes, FrameType.error, ERROR_HEADER);
  const code = LINK_ERRORS[view.getUint8(1)] ?? fail(`error code ${view.getUint8(1)} is not known`);
  const length = view.getUint16(2, true);
  if (length > MAX_MESSAGE_BYTES) fail(`message of ${length} bytes; at most ${MAX_MESSAGE_BYTES}`);
  const pathAt = ERROR_HEADER + length;
  if (bytes.length < pathAt) fail(`frame of ${bytes.length} bytes is cut short`);
  return {
    code,
    retryAfterMs: view.getUint32(4, true),
    message: new TextDecoder().decode(bytes.subarray(ERROR_HEADER, pathAt)),
    ...(bytes.length > pathAt && { path: decodePath(bytes.subarray(pathAt)) }),
  };
}

function decodePath(bytes: Uint8Array): (string | number)[] {
  if (bytes.length > MAX_MESSAGE_BYTES)
    fail(`path of ${bytes.length} bytes; at most ${MAX_MESSAGE_BYTES}`);
  let path: unknown;
  try {
    path = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    fail('the path is not JSON');
  }
  const isStep = (step: unknown) => typeof step === 'string' || typeof step === 'number';
  if (!Array.isArray(path) || !path.every(isStep))
    fail('the path is not a list of names and indices');
  return path;
}

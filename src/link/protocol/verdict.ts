/** What the verifier says: `ready`, `accept`, `done`, `error`. */
import { type Logprobs, readLogprobs, writeLogprobs } from './logprobs.ts';
import { Reader } from './reader.ts';
import { FrameType, fail, MAX_MESSAGE_BYTES, PROTOCOL_VERSION, WIDE_TOKENS } from './wire.ts';
import { needsWide, utf8Bytes, Writer } from './writer.ts';

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
  /** Places in `open`'s grammar of keywords that the answer is not held to; absent for none. */
  unenforced?: readonly (readonly (string | number)[])[];
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
  /** Where `open` asked for `logprobs`. */
  logprobs?: Logprobs;
  /** Tokens that are not the target's own draw; absent for none. */
  deviations?: number;
  /** Tokens drawn where a draft model moved the target, on `open`'s `transfer`; absent for none. */
  moved?: number;
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

export function encodeReady(ready: Ready): Uint8Array {
  const writer = new Writer(FrameType.ready);
  writer.u8(PROTOCOL_VERSION);
  writer.u16(ready.credit);
  writer.u32(ready.promptTokens);
  writer.u32(ready.cachedTokens);
  writer.u16(ready.active);
  writer.u16(ready.slots);
  if (ready.unenforced?.length) writer.bytes(encodePaths(ready.unenforced));
  return writer.finish();
}

export function decodeReady(bytes: Uint8Array): Ready {
  const reader = new Reader(bytes, FrameType.ready);
  reader.skip(1);
  const ready: Ready = {
    credit: reader.u16(),
    promptTokens: reader.u32(),
    cachedTokens: reader.u32(),
    active: reader.u16(),
    slots: reader.u16(),
  };
  if (reader.left > 0) ready.unenforced = decodePaths(reader.bytes(reader.left));
  return ready;
}

/** Flag of `accept`: log-probabilities follow the sources. 2 was another section's, and is refused. */
const LOGPROBS = 4;
/** Flag of `accept`: a count of deviations follows. */
const DEVIATIONS = 8;
/** Flag of `accept`: a count of moved tokens follows. */
const MOVED = 16;
const ACCEPT_FLAGS = WIDE_TOKENS | LOGPROBS | DEVIATIONS | MOVED;

export function encodeAccept(accept: Accept): Uint8Array {
  const { tokens, logprobs, deviations = 0, moved = 0 } = accept;
  const n = tokens.length;
  const lists = [tokens, logprobs?.topIds];
  const wide = lists.some((ids) => ids && needsWide(ids, ids.length));
  const counts = (deviations > 0 ? DEVIATIONS : 0) | (moved > 0 ? MOVED : 0);
  const flags = (logprobs ? LOGPROBS : 0) | counts;
  const writer = new Writer(FrameType.accept);
  writer.u8(flags | (wide ? WIDE_TOKENS : 0));
  writer.u8(n);
  writer.u8(accept.credit);
  writer.u32(accept.position);
  writer.u32(accept.stepMicros);
  writer.u16(accept.drafted);
  writer.u16(accept.steps);
  writer.tokens(tokens, n, wide);
  writer.bytes(accept.sources.subarray(0, n));
  if (logprobs) writeLogprobs(writer, logprobs, wide);
  if (deviations > 0) writer.u8(deviations);
  if (moved > 0) writer.u8(moved);
  return writer.finish();
}

export function decodeAccept(bytes: Uint8Array): Accept {
  const reader = new Reader(bytes, FrameType.accept);
  const flags = reader.u8();
  if ((flags & ~ACCEPT_FLAGS) !== 0) fail(`accept flags ${flags} are not known`);
  const wide = (flags & WIDE_TOKENS) !== 0;
  const n = reader.u8();
  if (n === 0) fail('accept frame without tokens');
  const accept: Accept = {
    credit: reader.u8(),
    position: reader.u32(),
    stepMicros: reader.u32(),
    drafted: reader.u16(),
    steps: reader.u16(),
    tokens: reader.tokens(n, wide),
    sources: reader.sources(n).slice(),
  };
  if (flags & LOGPROBS) accept.logprobs = readLogprobs(reader, n, wide);
  if (flags & DEVIATIONS) accept.deviations = readCount(reader, 'deviations', n);
  if (flags & MOVED) accept.moved = readCount(reader, 'moved', n);
  reader.end();
  return accept;
}

/** How many of `n` tokens: at least one, where it is said. */
function readCount(reader: Reader, name: string, n: number): number {
  const count = reader.u8();
  if (count === 0 || count > n) fail(`${count} ${name} in ${n} tokens`);
  return count;
}

export function encodeDone(done: Done): Uint8Array {
  const writer = new Writer(FrameType.done);
  writer.u8(DONE_REASONS.indexOf(done.reason));
  writer.pad(2);
  writer.u32(done.steps);
  writer.u32(done.drafted);
  writer.u32(done.accepted);
  writer.u32(done.prefillMicros);
  writer.u32(done.stale);
  return writer.finish();
}

export function decodeDone(bytes: Uint8Array): Done {
  const reader = new Reader(bytes, FrameType.done);
  const code = reader.u8();
  reader.skip(2);
  const done = {
    reason: DONE_REASONS[code] ?? fail(`done reason ${code} is not known`),
    steps: reader.u32(),
    drafted: reader.u32(),
    accepted: reader.u32(),
    prefillMicros: reader.u32(),
    stale: reader.u32(),
  };
  reader.end();
  return done;
}

export function encodeError(error: LinkError): Uint8Array {
  const message = utf8Bytes(error.message).subarray(0, MAX_MESSAGE_BYTES);
  const writer = new Writer(FrameType.error);
  writer.u8(LINK_ERRORS.indexOf(error.code));
  writer.u16(message.length);
  writer.u32(error.retryAfterMs);
  writer.bytes(message);
  writer.bytes(encodePath(error.path ?? []));
  return writer.finish();
}

/** As JSON, the first ones that fit. */
function encodePaths(paths: readonly (readonly (string | number)[])[]): Uint8Array {
  for (let count = paths.length; count > 0; count--) {
    const json = utf8Bytes(JSON.stringify(paths.slice(0, count)));
    if (json.length <= MAX_MESSAGE_BYTES) return json;
  }
  return new Uint8Array(0);
}

function decodePaths(bytes: Uint8Array): (string | number)[][] {
  const paths = decodeJson(bytes);
  if (!Array.isArray(paths)) fail('the paths are not a list');
  return paths.map(pathOf);
}

/** As JSON, without what of its end does not fit. */
function encodePath(path: readonly (string | number)[]): Uint8Array {
  for (let length = path.length; length > 0; length--) {
    const json = utf8Bytes(JSON.stringify(path.slice(0, length)));
    if (json.length <= MAX_MESSAGE_BYTES) return json;
  }
  return new Uint8Array(0);
}

export function decodeError(bytes: Uint8Array): LinkError {
  const reader = new Reader(bytes, FrameType.error);
  const code = reader.u8();
  const length = reader.u16();
  if (length > MAX_MESSAGE_BYTES) fail(`message of ${length} bytes; at most ${MAX_MESSAGE_BYTES}`);
  const error: LinkError = {
    code: LINK_ERRORS[code] ?? fail(`error code ${code} is not known`),
    retryAfterMs: reader.u32(),
    message: new TextDecoder().decode(reader.bytes(length)),
  };
  if (reader.left > 0) error.path = decodePath(reader.bytes(reader.left));
  return error;
}

function decodePath(bytes: Uint8Array): (string | number)[] {
  return pathOf(decodeJson(bytes));
}

function decodeJson(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_MESSAGE_BYTES)
    fail(`path of ${bytes.length} bytes; at most ${MAX_MESSAGE_BYTES}`);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return fail('the path is not JSON');
  }
}

function pathOf(path: unknown): (string | number)[] {
  const isStep = (step: unknown) => typeof step === 'string' || typeof step === 'number';
  if (!Array.isArray(path) || !path.every(isStep))
    fail('the path is not a list of names and indices');
  return path;
}

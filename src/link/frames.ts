/**
 * The wire between worker and verifier: one binary WebSocket message is one
 * frame, little-endian, first byte the type. docs/protocol.md has the tables.
 *
 * Decoders trust nothing: each checks the exact length, every count against its
 * named limit and every value's range, and throws `FrameError` before anything
 * is allocated from a number the other side chose.
 */

import { SOURCE_NAMES, type Source } from '../draft/source.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from '../draft/tree.ts';

export const PROTOCOL_VERSION = 1;

/** Longest frame either side accepts; the largest legal `open` fits. */
export const MAX_FRAME_BYTES = 1 << 20;
export const MAX_PROMPT_TOKENS = 1 << 17;
export const MAX_SETTINGS_BYTES = 1 << 16;
/** Tokens in one `spans` frame. */
export const MAX_SPAN_TOKENS = 1 << 15;
/** Tokens in one `accept` frame: a path through the largest tree verified, and the target's own. */
export const MAX_ACCEPT_TOKENS = 255;
export const MAX_MESSAGE_BYTES = 1024;
export const MAX_TOKEN_ID = (1 << 24) - 1;

export const FrameType = {
  open: 0x01,
  spans: 0x02,
  tree: 0x03,
  cancel: 0x04,
  ready: 0x81,
  accept: 0x82,
  done: 0x83,
  error: 0x84,
} as const;

/** A malformed or oversized frame. The link is closed after it: framing can't be trusted any more. */
export class FrameError extends Error {
  override name = 'FrameError';
}

/** Everything about a turn that is not token ids. Travels as JSON inside `open`, once a turn. */
export interface OpenSettings {
  /** sha256 of the target's weights and of its tokenizer, hex: both sides must agree. */
  fingerprint: { model: string; tokenizer: string };
  /** Keys KV prefix reuse; derived by the worker from the tenant, so that no tenant meets another's cache. */
  namespace: string;
  sampling: {
    /** 64-bit seed of the position-keyed noise, as two unsigned 32-bit halves [low, high]. */
    seed: [number, number];
    /** 0 is greedy. */
    temperature: number;
    topP: number;
    /** 0 keeps all. */
    topK: number;
  };
  /** The most tokens to commit in this turn. */
  maxTokens: number;
  /** Token ids that end the turn once committed. */
  stopIds: number[];
  /** How the turn is drafted. `off` verifies nothing: plain decoding. */
  drafting: DraftingMode;
  /** The most nodes to verify in a step. */
  budget: number;
  /** Where the prompt's tokens came from: [start, end, source]. The rest is plain prompt. */
  regions: [number, number, Source][];
}

/**
 * `off`: no drafts. `lockstep`: each step waits for a tree from the worker (for
 * comparison only). `streamed`: trees are used when they are there. `echoed`:
 * streamed, and the verifier drafts beside itself from what the session holds.
 */
export const DRAFTING_MODES = ['off', 'lockstep', 'streamed', 'echoed'] as const;
export type DraftingMode = (typeof DRAFTING_MODES)[number];

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
] as const;
export type LinkErrorCode = (typeof LINK_ERRORS)[number];

export interface Open {
  settings: OpenSettings;
  prompt: Int32Array;
}
export interface Spans {
  source: Source;
  tokens: Int32Array;
}
export interface Ready {
  promptTokens: number;
  /** Of them, how many were in the KV cache already. */
  cachedTokens: number;
  /** Tree frames the worker may have outstanding. */
  credit: number;
}
export interface Accept {
  /** Absolute position of the first token. */
  position: number;
  tokens: Int32Array;
  /** `Source` of each token. */
  sources: Uint8Array;
  /** Nodes verified in this step. */
  drafted: number;
  /** Tree frames taken from the mailbox since the last `accept`: that much credit returns. */
  credit: number;
  stepMicros: number;
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
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function frame(type: number, bytes: number): DataView {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint8(0, type);
  return view;
}

function done(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer);
}

function fail(message: string): never {
  throw new FrameError(message);
}

function viewOf(bytes: Uint8Array, type: number, least: number): DataView {
  if (bytes.byteLength > MAX_FRAME_BYTES) {
    fail(`frame of ${bytes.byteLength} bytes; at most ${MAX_FRAME_BYTES}`);
  }
  if (bytes.byteLength < least) fail(`frame of ${bytes.byteLength} bytes is cut short`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== type) fail(`frame type ${view.getUint8(0)}, expected ${type}`);
  return view;
}

function exactly(view: DataView, bytes: number): void {
  if (view.byteLength !== bytes) fail(`frame of ${view.byteLength} bytes, expected ${bytes}`);
}

function writeTokens(
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

function readToken(view: DataView, at: number, wide: boolean): number {
  const id = wide ? view.getUint32(at, true) : view.getUint16(at, true);
  if (id > MAX_TOKEN_ID) fail(`token id ${id}; at most ${MAX_TOKEN_ID}`);
  return id;
}

function needsWide(tokens: ArrayLike<number>, n: number): boolean {
  for (let i = 0; i < n; i++) if (tokens[i]! > 0xffff) return true;
  return false;
}

function readSource(byte: number): Source {
  if (byte >= SOURCE_NAMES.length) fail(`source ${byte} is not known`);
  return byte as Source;
}

/** Type byte of a frame, or -1 for an empty one. */
export function frameType(bytes: Uint8Array): number {
  return bytes.byteLength === 0 ? -1 : bytes[0]!;
}

const OPEN_HEADER = 12;

export function encodeOpen({ settings, prompt }: Open): Uint8Array {
  const json = utf8.encode(JSON.stringify(settings));
  const view = frame(FrameType.open, OPEN_HEADER + json.length + prompt.length * 4);
  view.setUint8(1, PROTOCOL_VERSION);
  view.setUint32(4, json.length, true);
  view.setUint32(8, prompt.length, true);
  new Uint8Array(view.buffer).set(json, OPEN_HEADER);
  writeTokens(view, OPEN_HEADER + json.length, prompt, prompt.length, true);
  return done(view);
}

/** The version an `open` frame was written in; lets a verifier refuse politely. */
export function openVersion(bytes: Uint8Array): number {
  return viewOf(bytes, FrameType.open, 2).getUint8(1);
}

/** The settings' shape is not checked here but where their limits are known: in the verifier's `admit`. */
export function decodeOpen(bytes: Uint8Array): { settings: unknown; prompt: Int32Array } {
  const view = viewOf(bytes, FrameType.open, OPEN_HEADER);
  const jsonBytes = view.getUint32(4, true);
  const count = view.getUint32(8, true);
  if (jsonBytes > MAX_SETTINGS_BYTES)
    fail(`settings of ${jsonBytes} bytes; at most ${MAX_SETTINGS_BYTES}`);
  if (count === 0 || count > MAX_PROMPT_TOKENS) {
    fail(`prompt of ${count} tokens; 1 to ${MAX_PROMPT_TOKENS}`);
  }
  exactly(view, OPEN_HEADER + jsonBytes + count * 4);
  let settings: unknown;
  try {
    settings = JSON.parse(strictUtf8.decode(bytes.subarray(OPEN_HEADER, OPEN_HEADER + jsonBytes)));
  } catch {
    fail('settings are not UTF-8 JSON');
  }
  const prompt = new Int32Array(count);
  for (let i = 0; i < count; i++)
    prompt[i] = readToken(view, OPEN_HEADER + jsonBytes + i * 4, true);
  return { settings, prompt };
}

const SPANS_HEADER = 8;

export function encodeSpans({ source, tokens }: Spans): Uint8Array {
  const view = frame(FrameType.spans, SPANS_HEADER + tokens.length * 4);
  view.setUint8(1, source);
  view.setUint32(4, tokens.length, true);
  writeTokens(view, SPANS_HEADER, tokens, tokens.length, true);
  return done(view);
}

export function decodeSpans(bytes: Uint8Array): Spans {
  const view = viewOf(bytes, FrameType.spans, SPANS_HEADER);
  const source = readSource(view.getUint8(1));
  const count = view.getUint32(4, true);
  if (count === 0 || count > MAX_SPAN_TOKENS)
    fail(`span of ${count} tokens; 1 to ${MAX_SPAN_TOKENS}`);
  exactly(view, SPANS_HEADER + count * 4);
  const tokens = new Int32Array(count);
  for (let i = 0; i < count; i++) tokens[i] = readToken(view, SPANS_HEADER + i * 4, true);
  return { source, tokens };
}

const TREE_HEADER = 8;
const WIDE_TOKENS = 1;
const WIDE_PARENTS = 2;

/** Steps of the wire's log-probability: a byte holds -ln p · 16, so p ≥ e^-15.9. */
const LOG_STEPS = 16;

/** `base` is the absolute position of the tree's first level: how many tokens were committed when it was drawn. */
export function encodeTree(tree: TokenTree, base: number): Uint8Array {
  const n = tree.size;
  const wide = needsWide(tree.tokens, n);
  const wideParents = n > 255;
  const perNode = (wide ? 4 : 2) + (wideParents ? 2 : 1) + 2;
  const view = frame(FrameType.tree, TREE_HEADER + n * perNode);
  view.setUint8(1, (wide ? WIDE_TOKENS : 0) | (wideParents ? WIDE_PARENTS : 0));
  view.setUint16(2, n, true);
  view.setUint32(4, base, true);
  let at = writeTokens(view, TREE_HEADER, tree.tokens, n, wide);
  for (let i = 0; i < n; i++) {
    const parent = tree.parents[i]! + 1;
    if (wideParents) view.setUint16(at, parent, true);
    else view.setUint8(at, parent);
    at += wideParents ? 2 : 1;
  }
  for (let i = 0; i < n; i++) {
    view.setUint8(
      at++,
      Math.min(255, Math.max(0, Math.round(-Math.log(tree.probs[i]!) * LOG_STEPS))),
    );
  }
  for (let i = 0; i < n; i++) view.setUint8(at++, tree.sources[i]!);
  return done(view);
}

/** Decodes into `tree` (cleared first) and returns its base position. Duplicate siblings are refused. */
export function decodeTree(bytes: Uint8Array, tree: TokenTree): number {
  const view = viewOf(bytes, FrameType.tree, TREE_HEADER);
  const flags = view.getUint8(1);
  if (flags > (WIDE_TOKENS | WIDE_PARENTS)) fail(`tree flags ${flags} are not known`);
  const n = view.getUint16(2, true);
  if (n === 0 || n > Math.min(MAX_TREE_NODES, tree.capacity))
    fail(`tree of ${n} nodes; 1 to ${MAX_TREE_NODES}`);
  const wide = (flags & WIDE_TOKENS) !== 0;
  const wideParents = (flags & WIDE_PARENTS) !== 0;
  const parentsAt = TREE_HEADER + n * (wide ? 4 : 2);
  const probsAt = parentsAt + n * (wideParents ? 2 : 1);
  exactly(view, probsAt + n * 2);
  tree.clear();
  for (let i = 0; i < n; i++) {
    const token = readToken(view, TREE_HEADER + i * (wide ? 4 : 2), wide);
    const parent =
      (wideParents ? view.getUint16(parentsAt + i * 2, true) : view.getUint8(parentsAt + i)) - 1;
    if (parent < ROOT || parent >= i) fail(`node ${i} names parent ${parent}`);
    const prob = Math.exp(-view.getUint8(probsAt + i) / LOG_STEPS);
    const source = readSource(view.getUint8(probsAt + n + i));
    if (tree.add(parent, token, prob, source) !== i) fail(`node ${i} repeats a sibling`);
  }
  return view.getUint32(4, true);
}

export function encodeCancel(): Uint8Array {
  return done(frame(FrameType.cancel, 1));
}

export function encodeReady(ready: Ready): Uint8Array {
  const view = frame(FrameType.ready, 12);
  view.setUint8(1, PROTOCOL_VERSION);
  view.setUint16(2, ready.credit, true);
  view.setUint32(4, ready.promptTokens, true);
  view.setUint32(8, ready.cachedTokens, true);
  return done(view);
}

export function decodeReady(bytes: Uint8Array): Ready {
  const view = viewOf(bytes, FrameType.ready, 12);
  exactly(view, 12);
  return {
    credit: view.getUint16(2, true),
    promptTokens: view.getUint32(4, true),
    cachedTokens: view.getUint32(8, true),
  };
}

const ACCEPT_HEADER = 16;

export function encodeAccept(accept: Accept): Uint8Array {
  const n = accept.tokens.length;
  const wide = needsWide(accept.tokens, n);
  const view = frame(FrameType.accept, ACCEPT_HEADER + n * ((wide ? 4 : 2) + 1));
  view.setUint8(1, wide ? WIDE_TOKENS : 0);
  view.setUint8(2, n);
  view.setUint8(3, accept.credit);
  view.setUint32(4, accept.position, true);
  view.setUint32(8, accept.stepMicros, true);
  view.setUint16(12, accept.drafted, true);
  const at = writeTokens(view, ACCEPT_HEADER, accept.tokens, n, wide);
  new Uint8Array(view.buffer).set(accept.sources.subarray(0, n), at);
  return done(view);
}

export function decodeAccept(bytes: Uint8Array): Accept {
  const view = viewOf(bytes, FrameType.accept, ACCEPT_HEADER);
  const flags = view.getUint8(1);
  if (flags > WIDE_TOKENS) fail(`accept flags ${flags} are not known`);
  const wide = flags === WIDE_TOKENS;
  const n = view.getUint8(2);
  if (n === 0) fail('accept frame without tokens');
  exactly(view, ACCEPT_HEADER + n * ((wide ? 4 : 2) + 1));
  const tokens = new Int32Array(n);
  const sources = new Uint8Array(n);
  const sourcesAt = ACCEPT_HEADER + n * (wide ? 4 : 2);
  for (let i = 0; i < n; i++) {
    tokens[i] = readToken(view, ACCEPT_HEADER + i * (wide ? 4 : 2), wide);
    sources[i] = readSource(view.getUint8(sourcesAt + i));
  }
  return {
    position: view.getUint32(4, true),
    tokens,
    sources,
    drafted: view.getUint16(12, true),
    credit: view.getUint8(3),
    stepMicros: view.getUint32(8, true),
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
  return done(view);
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
  const view = frame(FrameType.error, ERROR_HEADER + message.length);
  view.setUint8(1, LINK_ERRORS.indexOf(error.code));
  view.setUint16(2, message.length, true);
  view.setUint32(4, error.retryAfterMs, true);
  new Uint8Array(view.buffer).set(message, ERROR_HEADER);
  return done(view);
}

export function decodeError(bytes: Uint8Array): LinkError {
  const view = viewOf(bytes, FrameType.error, ERROR_HEADER);
  const code = LINK_ERRORS[view.getUint8(1)] ?? fail(`error code ${view.getUint8(1)} is not known`);
  const length = view.getUint16(2, true);
  if (length > MAX_MESSAGE_BYTES) fail(`message of ${length} bytes; at most ${MAX_MESSAGE_BYTES}`);
  exactly(view, ERROR_HEADER + length);
  return {
    code,
    retryAfterMs: view.getUint32(4, true),
    message: new TextDecoder().decode(bytes.subarray(ERROR_HEADER)),
  };
}

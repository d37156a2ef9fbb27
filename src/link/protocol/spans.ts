/**
 * `spans`: token runs for the echo's store, from what only the worker holds
 * (past outputs, stores). They are drafted from and never enter the prompt.
 */
import type { Span } from '../../draft/stores/span-store.ts';
import {
  bytesOf,
  exactly,
  FrameType,
  fail,
  frame,
  needsWide,
  readSource,
  readToken,
  viewOf,
  WIDE_TOKENS,
  writeTokens,
} from './wire.ts';

export type { Span };

/** Spans in one frame. */
export const MAX_SPANS = 256;
/** Tokens in one frame, all spans together. */
export const MAX_FRAME_SPAN_TOKENS = 1 << 13;
/** Tokens in all frames of a turn. */
export const MAX_SPAN_TOKENS = 1 << 15;

const SPANS_HEADER = 4;
const ENTRY_BYTES = 4;
const BEGINS = 1;

export function encodeSpans(spans: readonly Span[]): Uint8Array {
  const wide = spans.some(({ tokens }) => needsWide(tokens, tokens.length));
  const total = spans.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const tokensAt = SPANS_HEADER + spans.length * ENTRY_BYTES;
  const view = frame(FrameType.spans, tokensAt + total * (wide ? 4 : 2));
  view.setUint8(1, wide ? WIDE_TOKENS : 0);
  view.setUint16(2, spans.length, true);
  let at = tokensAt;
  for (const [i, { source, begins, tokens }] of spans.entries()) {
    view.setUint16(SPANS_HEADER + i * ENTRY_BYTES, tokens.length, true);
    view.setUint8(SPANS_HEADER + i * ENTRY_BYTES + 2, source);
    view.setUint8(SPANS_HEADER + i * ENTRY_BYTES + 3, begins ? BEGINS : 0);
    at = writeTokens(view, at, tokens, tokens.length, wide);
  }
  return bytesOf(view);
}

export function decodeSpans(bytes: Uint8Array): Span[] {
  const view = viewOf(bytes, FrameType.spans, SPANS_HEADER);
  const flags = view.getUint8(1);
  if (flags > WIDE_TOKENS) fail(`spans flags ${flags} are not known`);
  const wide = flags === WIDE_TOKENS;
  const width = wide ? 4 : 2;
  const n = view.getUint16(2, true);
  if (n === 0 || n > MAX_SPANS) fail(`${n} spans in a frame; 1 to ${MAX_SPANS}`);
  let at = SPANS_HEADER + n * ENTRY_BYTES;
  if (view.byteLength < at) fail(`frame of ${view.byteLength} bytes is cut short`);
  const lengths = Array.from({ length: n }, (_, i) =>
    view.getUint16(SPANS_HEADER + i * ENTRY_BYTES, true),
  );
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total > MAX_FRAME_SPAN_TOKENS) {
    fail(`spans of ${total} tokens in a frame; at most ${MAX_FRAME_SPAN_TOKENS}`);
  }
  exactly(view, at + total * width);
  return lengths.map((length, i) => {
    if (length === 0) fail(`span ${i} is empty`);
    const source = readSource(view.getUint8(SPANS_HEADER + i * ENTRY_BYTES + 2));
    const flags = view.getUint8(SPANS_HEADER + i * ENTRY_BYTES + 3);
    if (flags > BEGINS) fail(`span ${i} has flags ${flags}`);
    const tokens = new Int32Array(length);
    for (let t = 0; t < length; t++, at += width) tokens[t] = readToken(view, at, wide);
    return { source, begins: flags === BEGINS, tokens };
  });
}

/**
 * `spans`: token runs for the echo's store, from what only the worker holds
 * (past outputs, stores). They are drafted from and never enter the prompt.
 */
import type { Span } from '../../draft/stores/span-store.ts';
import { Reader } from './reader.ts';
import { FrameType, fail, WIDE_TOKENS } from './wire.ts';
import { needsWide, Writer } from './writer.ts';

export type { Span };

/** Spans in one frame. */
export const MAX_SPANS = 256;
/** Tokens in one frame, all spans together. */
export const MAX_FRAME_SPAN_TOKENS = 1 << 13;
/** Tokens in all frames of a turn. */
export const MAX_SPAN_TOKENS = 1 << 15;

const BEGINS = 1;

export function encodeSpans(spans: readonly Span[]): Uint8Array {
  const wide = spans.some(({ tokens }) => needsWide(tokens, tokens.length));
  const writer = new Writer(FrameType.spans);
  writer.u8(wide ? WIDE_TOKENS : 0);
  writer.u16(spans.length);
  for (const { source, begins, tokens } of spans) {
    writer.u16(tokens.length);
    writer.u8(source);
    writer.u8(begins ? BEGINS : 0);
  }
  for (const { tokens } of spans) writer.tokens(tokens, tokens.length, wide);
  return writer.finish();
}

export function decodeSpans(bytes: Uint8Array): Span[] {
  const reader = new Reader(bytes, FrameType.spans);
  const flags = reader.u8();
  if (flags > WIDE_TOKENS) fail(`spans flags ${flags} are not known`);
  const n = reader.u16();
  if (n === 0 || n > MAX_SPANS) fail(`${n} spans in a frame; 1 to ${MAX_SPANS}`);
  let total = 0;
  const entries = Array.from({ length: n }, (_, i) => {
    const length = reader.u16();
    const source = reader.source();
    const begins = reader.u8();
    if (length === 0) fail(`span ${i} is empty`);
    if (begins > BEGINS) fail(`span ${i} has flags ${begins}`);
    total += length;
    return { length, source, begins: begins === BEGINS };
  });
  if (total > MAX_FRAME_SPAN_TOKENS) {
    fail(`spans of ${total} tokens in a frame; at most ${MAX_FRAME_SPAN_TOKENS}`);
  }
  const spans = entries.map(({ length, source, begins }) => ({
    source,
    begins,
    tokens: reader.tokens(length, flags === WIDE_TOKENS),
  }));
  reader.end();
  return spans;
}

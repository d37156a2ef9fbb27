/** Passages that were found but did not fit the prompt, on their way to the echo. */
import type { Region } from '../draft/drafter.ts';
import { MAX_FRAME_SPAN_TOKENS, type Span } from '../link/protocol/index.ts';
import type { SpanSource } from './turn.ts';

/**
 * `tokens` are spare passages, marked by `regions`, and behind them the
 * `promptLength` tokens of the prompt, which the echo has already.
 */
export function spareSpans(
  tokens: Int32Array,
  regions: readonly Region[],
  promptLength: number,
): SpanSource {
  const beyond = tokens.length - promptLength;
  let waiting = regions.filter(({ end }) => end <= beyond);
  return {
    next(room) {
      const spans: Span[] = [];
      for (const { start, end, source } of waiting) {
        const length = Math.min(end - start, room, MAX_FRAME_SPAN_TOKENS);
        if (length <= 0) continue;
        spans.push({ source, begins: false, tokens: tokens.subarray(start, start + length) });
        room -= length;
      }
      waiting = [];
      return spans;
    },
  };
}

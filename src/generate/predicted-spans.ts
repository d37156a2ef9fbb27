/** The request's prediction on its way to the drafters: beside the verifier before all other spans, and here. */
import { Source } from '../draft/source.ts';
import { MAX_FRAME_SPAN_TOKENS, MAX_SPAN_TOKENS, type Span } from '../link/protocol/index.ts';
import type { SpanSource } from './turn.ts';

/** Half of what a turn may ship: the rest is for what earlier answers and stores have. */
export const MAX_PREDICTION_TOKENS = MAX_SPAN_TOKENS / 2;

/**
 * @param then what else is shipped
 * @param learn told the prediction once, when the turn has begun
 */
export function predictedSpans(
  prediction: Int32Array,
  then: SpanSource,
  learn: (spans: readonly Span[]) => void,
): SpanSource {
  let told = false;
  return {
    next(room) {
      if (told) return then.next(room);
      told = true;
      const spans: Span[] = [];
      for (let at = 0; at < prediction.length; at += MAX_FRAME_SPAN_TOKENS) {
        const tokens = prediction.subarray(at, at + MAX_FRAME_SPAN_TOKENS);
        spans.push({ source: Source.prediction, begins: at === 0, tokens });
      }
      learn(spans);
      return [...spans, ...then.next(room - prediction.length)];
    },
    notify(arrived) {
      then.notify?.(arrived);
    },
  };
}

/**
 * Token runs on their way to the verifier's echo, from whatever the worker alone
 * has: the request's prediction, passages that did not fit the prompt, what stores
 * answer in mid-turn. Cut to what frames and turns may carry, handed out once, in
 * order; kept for a verifier that takes the turn over.
 */
import { MAX_FRAME_SPAN_TOKENS, MAX_SPAN_TOKENS, type Span } from '../link/protocol/index.ts';

export class SpanQueue {
  private waiting: Span[] = [];
  private readonly taken: Span[] = [];
  /** Tokens that may still be shipped in this turn. */
  private room = MAX_SPAN_TOKENS;
  private notify: () => void = () => {};

  /** Adds spans after those that wait. */
  push(spans: readonly Span[]): void {
    this.enqueue(spans);
    this.notify();
  }

  /** Calls back after every push from now on. */
  onPush(callback: () => void): void {
    this.notify = callback;
  }

  /** What waits, each span at most `MAX_FRAME_SPAN_TOKENS` long; what exceeds `MAX_SPAN_TOKENS` a turn is dropped. */
  take(): Span[] {
    const spans = this.waiting.flatMap(toFrames).flatMap((span) => this.fit(span));
    this.waiting = [];
    this.taken.push(...spans);
    return spans;
  }

  /** Everything handed out in this turn. */
  get shipped(): readonly Span[] {
    return this.taken;
  }

  protected enqueue(spans: readonly Span[]): void {
    this.waiting.push(...spans);
  }

  private fit(span: Span): Span[] {
    const tokens = span.tokens.subarray(0, this.room);
    this.room -= tokens.length;
    return tokens.length > 0 ? [{ ...span, tokens }] : [];
  }
}

function toFrames({ source, begins, tokens }: Span): Span[] {
  const spans: Span[] = [];
  for (let at = 0; at < tokens.length; at += MAX_FRAME_SPAN_TOKENS) {
    const part = tokens.subarray(at, at + MAX_FRAME_SPAN_TOKENS);
    spans.push({ source, begins: begins && at === 0, tokens: part });
  }
  return spans;
}

/** What an answer took, counted as its steps come. The clock is the caller's. */
import { SOURCE_NAMES, Source, type SourceName } from '../draft/source.ts';
import type { Accept } from '../link/protocol/index.ts';

export class AnswerStats {
  /** Tokens of the answer. */
  tokens = 0;
  /** Verify steps: forward passes of the target after prefill. */
  steps = 0;
  /** Candidate tokens verified. */
  drafted = 0;
  /** Tokens that are not the target's own draw, the one that ends the answer included. */
  deviations = 0;
  /** Tokens drawn where a draft model moved the target, the one that ends the answer included. */
  moved = 0;
  /** Tokens committed by where they were accepted from, the one that ends the answer included. */
  readonly bySource = new Uint32Array(SOURCE_NAMES.length);
  /** Steps that accepted a candidate at each position after the root: falls with the position. */
  readonly acceptedAt: number[] = [];
  /** When the first tokens came, in milliseconds; null before. */
  firstAt: number | null = null;
  private lastAt = 0;
  /** Tokens after the first step's. */
  private later = 0;

  /** @param tokens how many of the committed ones belong to the answer; an end token does not */
  add(accept: Accept, tokens: number, now: number): void {
    this.steps += accept.steps;
    this.drafted += accept.drafted;
    this.deviations += accept.deviations ?? 0;
    this.moved += accept.moved ?? 0;
    this.tokens += tokens;
    if (tokens > 0) this.pace(tokens, now);
    // Merged steps are distinguished by the draw that ends each: no candidate carried it.
    let position = 0;
    for (const source of accept.sources) {
      this.bySource[source]!++;
      if (source === Source.target) {
        position = 0;
        continue;
      }
      this.acceptedAt[position] = (this.acceptedAt[position] ?? 0) + 1;
      position++;
    }
  }

  /** Candidates accepted. */
  get accepted(): number {
    return this.acceptedAt.reduce((sum, times) => sum + times, 0);
  }

  /** Time of a token after the first step's, in milliseconds; null without any. */
  get msPerToken(): number | null {
    if (this.firstAt === null || this.later === 0) return null;
    return (this.lastAt - this.firstAt) / this.later;
  }

  private pace(tokens: number, now: number): void {
    if (this.firstAt === null) this.firstAt = now;
    else this.later += tokens;
    this.lastAt = now;
  }
}

/** Counts above 0, by the sources' names. */
export function namedCounts(counts: ArrayLike<number>): Partial<Record<SourceName, number>> {
  const named: Partial<Record<SourceName, number>> = {};
  for (const [source, name] of SOURCE_NAMES.entries()) {
    if (counts[source]! > 0) named[name] = counts[source]!;
  }
  return named;
}

/** Stretches of a text, and how much of it they are. */

/** Of a text, in UTF-16 code units. */
export interface Span {
  start: number;
  end: number;
}

/** How much a stretch of a text is: of two that adjoin as much as of both in one. */
export type Length = (start: number, end: number) => number;

export const inCharacters: Length = (start, end) => end - start;

/** Words with the space before them; of scripts that write none, characters. */
const UNSPACED = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}';
const WORDS = new RegExp(`\\s*(?:[${UNSPACED}]|[^\\s${UNSPACED}]+)`, 'gu');

/**
 * In tokens: every word counts with its own, at the place where it begins. O(text) to
 * make, O(1) to ask.
 */
export function inTokens(text: string, tokensOf: (word: string) => number): Length {
  const before = new Int32Array(text.length + 1);
  const known = new Map<string, number>();
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    const count = known.get(word) ?? tokensOf(word);
    known.set(word, count);
    before[index + word.length - word.trimStart().length + 1] = count;
  }
  for (let at = 1; at < before.length; at++) before[at]! += before[at - 1]!;
  return (start, end) => before[end]! - before[start]!;
}

/** The same text in spans that don't overlap, in order. */
export function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const last = merged[merged.length - 1];
    if (last && span.start <= last.end) last.end = Math.max(last.end, span.end);
    else merged.push({ ...span });
  }
  return merged;
}

/** Of what is in both; each side's spans must not overlap one another. */
export function overlap(a: readonly Span[], b: readonly Span[], length: Length): number {
  let both = 0;
  for (const x of a) {
    for (const y of b) {
      const [start, end] = [Math.max(x.start, y.start), Math.min(x.end, y.end)];
      if (start < end) both += length(start, end);
    }
  }
  return both;
}

export function lengthOf(spans: readonly Span[], length: Length): number {
  return spans.reduce((sum, { start, end }) => sum + length(start, end), 0);
}

/** Where the end of an answer occurs in kept text: both indexes against a plain search of everything. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OUTPUT_START } from '../../src/draft/output-store.ts';
import { Segment } from '../../src/draft/segment.ts';
import { buildSegment } from '../../src/draft/segment-builder.ts';
import {
  best,
  MAX_RUN_TOKENS,
  MAX_RUNS,
  type Match,
  MIN_MATCH,
  matchSegment,
  runOf,
} from '../../src/generate/memory/match.ts';
import { RecentOutputs } from '../../src/generate/memory/recent-outputs.ts';

const tokens = (alphabet: number, most: number) =>
  fc.array(fc.nat(alphabet), { maxLength: most }).map((list) => Int32Array.from(list));
const texts = fc.array(tokens(2, 24), { minLength: 1, maxLength: 6 });
const tail = fc
  .tuple(fc.boolean(), fc.array(fc.nat(2), { minLength: 1, maxLength: 14 }))
  .map(([begins, list]) => Int32Array.from(begins ? [OUTPUT_START, ...list] : list));

/** How each text would be kept: its start is a context like others. */
const marked = (text: Int32Array) => [OUTPUT_START, ...text];

/** Tokens of the longest suffix of `tail` that something follows in one of the texts; 0 for less than `MIN_MATCH`. */
function longest(kept: readonly Int32Array[], tail: Int32Array): number {
  for (let length = tail.length; length >= MIN_MATCH; length--) {
    const suffix = tail.slice(tail.length - length).join();
    for (const text of kept) {
      const all = marked(text);
      for (let at = 0; at + length < all.length; at++) {
        if (all.slice(at, at + length).join() === suffix) return length;
      }
    }
  }
  return 0;
}

const INDEXES: Record<string, (kept: readonly Int32Array[], tail: Int32Array) => Match[]> = {
  'a segment': (kept, tail) =>
    matchSegment(new Segment(buildSegment(kept)), tail, (document) => document, new Set()),
  'the young outputs': (kept, tail) => {
    const recent = new RecentOutputs();
    kept.forEach((text, id) => {
      recent.add(id, text);
    });
    return recent.match(tail, new Set());
  },
};

test.each(Object.entries(INDEXES))(
  '%s finds the longest ends, and nothing that is not there',
  (_, match) => {
    fc.assert(
      fc.property(texts, tail, (kept, end) => {
        const found = match(kept, end);
        expect(found.length).toBeLessThanOrEqual(MAX_RUNS);
        expect(found[0]?.length ?? 0).toBe(longest(kept, end));
        expect(new Set(found.map(({ unit }) => unit)).size).toBe(found.length);
        for (const { unit, at, length } of found) {
          const all = marked(kept[unit]!);
          // `at` is an offset without the mark.
          expect(all.slice(at + 1 - length, at + 1)).toEqual([...end.slice(end.length - length)]);
          expect(at).toBeLessThan(kept[unit]!.length);
        }
      }),
      { numRuns: 300 },
    );
  },
);

test('a hidden or known text is not found, another one in its place is', () => {
  const [same, other] = [Int32Array.of(1, 2, 3, 4), Int32Array.of(9, 1, 2, 3, 4)];
  const segment = new Segment(buildSegment([same, same, other]));
  const end = Int32Array.of(1, 2, 3);
  const units = (skip: number[]) =>
    matchSegment(segment, end, (document) => document, new Set(skip)).map(({ unit }) => unit);
  expect(units([0])).toHaveLength(1);
  expect(units([0, 1])).toEqual([2]);
  segment.hide(2);
  expect(units([0, 1])).toEqual([]);
});

test('of all stores the longest matches, then the most frequent, each text once', () => {
  const found = [
    { length: 3, count: 9, unit: 1, at: 0 },
    { length: 5, count: 1, unit: 2, at: 0 },
    { length: 5, count: 2, unit: 3, at: 0 },
    { length: 4, count: 2, unit: 2, at: 0 },
    { length: 3, count: 1, unit: 4, at: 0 },
    { length: 3, count: 2, unit: 5, at: 0 },
  ];
  expect(best(found).map(({ unit }) => unit)).toEqual([3, 2, 1, 5]);
});

test('a text of the limit goes whole, of a longer one what follows with a context', () => {
  const text = Int32Array.from({ length: MAX_RUN_TOKENS }, (_, i) => i);
  expect(runOf(7, text, 400)).toEqual({ unit: 7, begins: true, tokens: text });
  const longer = Int32Array.from({ length: MAX_RUN_TOKENS + 1 }, (_, i) => i);
  const run = runOf(7, longer, 400);
  expect(run.begins).toBe(false);
  expect([...run.tokens.slice(0, 16)]).toEqual(Array.from({ length: 16 }, (_, i) => 385 + i));
  expect(runOf(7, longer, 3)).toEqual({ unit: 7, begins: true, tokens: text });
});

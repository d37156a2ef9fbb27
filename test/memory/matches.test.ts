/** Where the end of an answer occurs in kept text: both indexes against a plain search of everything. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Segment } from '../../src/draft/segment/segment.ts';
import { buildSegment } from '../../src/draft/segment/segment-builder.ts';
import { OUTPUT_START } from '../../src/draft/stores/output-start.ts';
import {
  best,
  heldIn,
  type IsHeld,
  MAX_RUN_TOKENS,
  MAX_RUNS,
  type Match,
  MIN_MATCH,
  matchSegment,
  rangeOfRun,
  runOf,
} from '../../src/memory/objects/match.ts';
import { RecentOutputs } from '../../src/memory/objects/recent-outputs.ts';
import type { KeptRange } from '../../src/store/objects/memory.ts';

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

type Matcher = (tail: Int32Array, isHeld?: IsHeld) => Match[];

const nothing = heldIn([]);

/** Both over the same texts, whose units are their numbers. */
const INDEXES: Record<string, (kept: readonly Int32Array[]) => Matcher> = {
  'a segment': (kept) => {
    const segment = new Segment(buildSegment(kept));
    return (tail, isHeld = nothing) => matchSegment(segment, tail, (document) => document, isHeld);
  },
  'the young outputs': (kept) => {
    const recent = new RecentOutputs();
    kept.forEach((text, id) => {
      recent.add(id, text);
    });
    return (tail, isHeld = nothing) => recent.match(tail, isHeld);
  },
};

test.each(Object.entries(INDEXES))(
  '%s finds the longest ends, and nothing that is not there',
  (_, over) => {
    fc.assert(
      fc.property(texts, tail, (kept, end) => {
        const found = over(kept)(end);
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

test.each(Object.entries(INDEXES))(
  '%s gives a long text to its end, piece by piece as the answer goes on in it',
  (_, over) => {
    const text = Int32Array.from({ length: 2000 }, (_, i) => (i * i * 7 + 3 * i) % 9973);
    const match = over([text]);
    // As a turn that is told its beginning, and asks where that ends.
    const held: KeptRange[] = [rangeOfRun(runOf(0, text, 0))];
    for (let asked = 0; held.at(-1)!.to < text.length; asked++) {
      expect(asked).toBeLessThan(4);
      const { to } = held.at(-1)!;
      expect(match(text.slice(to - 11, to - 1), heldIn(held))).toEqual([]);
      const [found] = match(text.slice(to - 10, to), heldIn(held));
      const run = runOf(found!.unit, text, found!.at);
      expect(run.from).toBeLessThan(to);
      expect(run.tokens).toEqual(text.slice(run.from, run.from + MAX_RUN_TOKENS));
      held.push(rangeOfRun(run));
    }
  },
);

test('a hidden or held text is not found, another one in its place is', () => {
  const [same, other] = [Int32Array.of(1, 2, 3, 4), Int32Array.of(9, 1, 2, 3, 4)];
  const segment = new Segment(buildSegment([same, same, other]));
  const end = Int32Array.of(1, 2, 3);
  const units = (held: number[]) =>
    matchSegment(
      segment,
      end,
      (document) => document,
      heldIn(held.map((unit) => ({ unit, from: 0, to: 5 }))),
    ).map(({ unit }) => unit);
  expect(units([0])).toEqual([1, 2]);
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
  expect(runOf(7, text, 400)).toEqual({ unit: 7, from: 0, tokens: text });
  const longer = Int32Array.from({ length: MAX_RUN_TOKENS + 1 }, (_, i) => i);
  const run = runOf(7, longer, 400);
  expect(run.from).toBe(385);
  expect([...run.tokens.slice(0, 16)]).toEqual(Array.from({ length: 16 }, (_, i) => 385 + i));
  expect(runOf(7, longer, 3)).toEqual({ unit: 7, from: 0, tokens: text });
});

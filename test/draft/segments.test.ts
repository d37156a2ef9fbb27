/** Segments say what the documents say, and a buffer that is not a whole one is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CorpusStore } from '../../bench/stores/corpus-store.ts';
import { OutputStore } from '../../bench/stores/output-store.ts';
import { Evidence } from '../../src/draft/blend/evidence.ts';
import { Segment } from '../../src/draft/segment/segment.ts';
import {
  buildSegment,
  MAX_OVERSHOOT,
  SegmentBuilder,
} from '../../src/draft/segment/segment-builder.ts';
import { DamagedSegment, MAX_SEGMENT_TOKENS } from '../../src/draft/segment/segment-layout.ts';
import { SORTED_DEPTH } from '../../src/draft/segment/suffix-sort.ts';

const tokens = fc.oneof(fc.nat(4), fc.integer({ min: 65_530, max: 65_540 }));
const documentsOf = (token: fc.Arbitrary<number>) =>
  fc.array(
    fc.array(token, { maxLength: 60 }).map((list) => Int32Array.from(list)),
    { maxLength: 6 },
  );
const documents = fc.oneof(documentsOf(tokens), documentsOf(fc.nat(3)));

/** Enough of one word with many followers that they are listed. */
function frequent(): Int32Array[] {
  return Array.from({ length: 60 }, (_, d) =>
    Int32Array.from({ length: 60 }, (_, i) => (i % 2 ? (i * i + d) % 97 : 7)),
  );
}

/** Distinct tokens, in three bytes. */
const scattered = (length: number) => Int32Array.from({ length }, (_, i) => (i * 65_537) % 200_003);

interface Told {
  order: number;
  shorter: number;
  total: number;
  distinct: number;
  followers: [number, number][];
}

function told(evidence: Evidence): Told[] {
  return Array.from({ length: evidence.contexts }, (_, row) => {
    const followers: [number, number][] = [];
    for (let f = evidence.firstFollower[row]!; f < evidence.firstFollower[row + 1]!; f++) {
      followers.push([evidence.token[f]!, evidence.count[f]!]);
    }
    followers.sort((a, b) => a[0] - b[0]);
    const [order, shorter] = [evidence.order[row]!, evidence.shorter[row]!];
    const [total, distinct] = [evidence.total[row]!, evidence.distinct[row]!];
    return { order, shorter, total, distinct, followers };
  });
}

function gathered(store: CorpusStore | OutputStore, path: readonly number[]): Told[] {
  const evidence = new Evidence();
  store.begin();
  path.forEach((token, i) => {
    // By turns along the answer and along nodes of a tree, which must not differ.
    if (i % 3 === 2) store.follow(0, token, 5);
    store.advance(token);
  });
  evidence.clear();
  evidence.wantsCommon = false;
  store.gather(0, evidence, 0);
  return told(evidence);
}

describe('a segment', () => {
  test('is sorted and whole, built in slices of any size', () => {
    fc.assert(
      fc.property(documents, fc.integer({ min: 1, max: 50 }), (all, slice) => {
        const builder = new SegmentBuilder(all);
        let before = 0;
        while (!builder.step(slice)) {
          expect(builder.progress).toBeGreaterThanOrEqual(before);
          before = builder.progress;
        }
        expect(builder.progress).toBe(1);
        const segment = new Segment(builder.finish());
        segment.checkIntegrity();
        expect(segment.documents).toBe(all.length);
        expect(new Uint8Array(buildSegment(all))).toEqual(new Uint8Array(segment.buffer));
      }),
    );
  });

  test.each<[string, () => Int32Array[]]>([
    ['one token', () => [Int32Array.from({ length: 40_000 }, () => 5)]],
    ['two in turn', () => [Int32Array.from({ length: 40_000 }, (_, i) => 5 + (i % 2))]],
    ['two at random', () => [Int32Array.from({ length: 40_000 }, (_, i) => ((i * i) >> 5) & 1)]],
    ['a hundred equal documents', () => Array.from({ length: 100 }, () => scattered(400))],
    ['twelve equal documents', () => Array.from({ length: 12 }, () => scattered(3000))],
    ['every token another', () => [scattered(40_000)]],
    ['nothing, often', () => Array.from({ length: 40_000 }, () => new Int32Array(0))],
  ])('is built of %s in slices no longer than agreed, and as few as of other text', (_, make) => {
    const all = make();
    const builder = new SegmentBuilder(all);
    const slice = 1 << 15;
    for (let done = false; !done; ) {
      const before = builder.work;
      done = builder.step(slice);
      expect(builder.work - before).toBeLessThanOrEqual(slice + MAX_OVERSHOOT);
    }
    const segment = new Segment(builder.finish());
    segment.checkIntegrity();
    expect(builder.work).toBeLessThan(5 * SORTED_DEPTH * segment.text.length);
  });

  test.each(['order', 'documentStarts', 'firstStarts'] as const)(
    'whose %s is wrong is found out by its check',
    (part) => {
      const segment = new Segment(buildSegment(frequent()));
      segment.checkIntegrity();
      segment[part][1]!++;
      expect(() => segment.checkIntegrity()).toThrow();
    },
  );

  test('is read with lists whose check finds out what is wrong', () => {
    const store = new CorpusStore(new Segment(buildSegment(frequent())));
    store.checkIntegrity();
    store.lists.rows[4]!++;
    expect(() => store.checkIntegrity()).toThrow();
  });

  test('can not be taken before it is built', () => {
    const builder = new SegmentBuilder([Int32Array.from({ length: 100 }, () => 1)]);
    expect(() => builder.finish()).toThrow(/step until it says so/);
  });

  test('refuses what is no token id, and more tokens than it takes', () => {
    expect(() => buildSegment([Int32Array.of(1, -1)])).toThrow(/-1 is not a token id/);
    expect(() => buildSegment([Int32Array.of(2 ** 24)])).toThrow(/not a token id/);
    const failed = new SegmentBuilder([Int32Array.of(-1)]);
    expect(() => failed.step(1)).toThrow(/not a token id/);
    expect(() => failed.step(1)).toThrow(/begin another one/);
    const long = new Int32Array(MAX_SEGMENT_TOKENS);
    expect(() => new SegmentBuilder([long])).toThrow(/split the documents/);
  });

  test('says the same about any context as an automaton over the same documents', () => {
    fc.assert(
      fc.property(documents, fc.array(fc.nat(3), { maxLength: 40 }), (all, path) => {
        const outputs = new OutputStore();
        for (const document of all) outputs.learn(document);
        const corpus = new CorpusStore(new Segment(buildSegment(all)));
        expect(gathered(corpus, path)).toEqual(gathered(outputs, path));
        // A passage that the documents do hold, into its depth.
        const known = [...(all[0] ?? [])].slice(0, 40);
        expect(gathered(corpus, known)).toEqual(gathered(outputs, known));
      }),
      { numRuns: 300 },
    );
  });

  test('lists the commonest followers of a frequent context', () => {
    const store = new CorpusStore(new Segment(buildSegment(frequent())));
    expect(store.lists.rows.length).toBeGreaterThan(0);
    const [context] = gathered(store, [7]).slice(-1);
    const counts = new Map<number, number>();
    for (const document of frequent()) {
      document.forEach((token, i) => {
        if (i > 0 && document[i - 1] === 7) counts.set(token, (counts.get(token) ?? 0) + 1);
      });
    }
    expect(context!.distinct).toBe(counts.size);
    for (const [token, count] of context!.followers) expect(counts.get(token)).toBe(count);
    const least = Math.min(...context!.followers.map(([, count]) => count));
    const named = new Set(context!.followers.map(([token]) => token));
    for (const [token, count] of counts)
      if (!named.has(token)) expect(count).toBeLessThanOrEqual(least);
  });
});

describe('a hidden document', () => {
  test('is never reported again, whatever else says the same stays', () => {
    fc.assert(
      fc.property(documentsOf(fc.nat(3)), fc.nat(), fc.array(fc.nat(3)), (all, pick, path) => {
        fc.pre(all.length > 0);
        const gone = pick % all.length;
        const segment = new Segment(buildSegment(all));
        segment.hide(gone);
        const named = (list: Told[]) =>
          new Set(list.flatMap(({ followers }) => followers.map(([token]) => token)));
        const left = named(gathered(new CorpusStore(segment), path));
        const last = path.at(-1);
        const allowed = new Set<number>();
        all.forEach((document, i) => {
          if (i === gone) return;
          document.forEach((token, at) => {
            if (last === undefined ? at === 0 : at > 0 && document[at - 1] === last)
              allowed.add(token);
          });
        });
        for (const token of left) expect(allowed).toContain(token);
      }),
    );
  });

  test('is not listed either', () => {
    const secret = Int32Array.of(7, 1234, 7, 1234, 7, 1234);
    const store = new CorpusStore(new Segment(buildSegment([...frequent(), secret])));
    const names = () =>
      gathered(store, [7]).flatMap(({ followers }) => followers.map(([token]) => token));
    store.segment.hide(60);
    expect(names()).not.toContain(1234);
    expect(names().length).toBeGreaterThan(0);
    expect(() => store.segment.hide(61)).toThrow(RangeError);
  });
});

describe('a damaged segment', () => {
  const whole = buildSegment([...frequent(), Int32Array.of(70_000, 3)]);

  test('is refused, whichever byte is wrong', () => {
    fc.assert(
      fc.property(fc.nat(whole.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = new Uint8Array(whole.slice(0));
        bytes[at]! ^= flip;
        expect(() => new Segment(bytes.buffer)).toThrow(DamagedSegment);
      }),
      { numRuns: 300 },
    );
  });

  test('is refused when cut or continued anywhere, and says what to do', () => {
    fc.assert(
      fc.property(fc.nat(whole.byteLength - 1), (end) => {
        expect(() => new Segment(whole.slice(0, end))).toThrow(/rebuild it/);
      }),
    );
    const longer = new Uint8Array(whole.byteLength + 4);
    longer.set(new Uint8Array(whole));
    expect(() => new Segment(longer.buffer)).toThrow(DamagedSegment);
    expect(() => new Segment(new ArrayBuffer(0))).toThrow(DamagedSegment);
  });

  test('is what one of another version counts as', () => {
    const older = whole.slice(0);
    new Int32Array(older)[1] = 1;
    expect(() => new Segment(older)).toThrow(/version 1.*rebuild it/);
  });
});

/** What every source must hold, whatever it drafts from: one suite, all of them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TrigramDrafter } from '../../bench/rivals/aded.ts';
import { CorpusStore } from '../../bench/stores/corpus-store.ts';
import { OutputStore } from '../../bench/stores/output-store.ts';
import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import type { EvidenceStore } from '../../src/draft/blend/evidence.ts';
import type { Drafter } from '../../src/draft/drafter.ts';
import { Segment } from '../../src/draft/segment/segment.ts';
import { buildSegment } from '../../src/draft/segment/segment-builder.ts';
import { Source } from '../../src/draft/source.ts';
import { AlignmentStore } from '../../src/draft/stores/alignment-store.ts';
import { RecycledTable } from '../../src/draft/stores/recycled-table.ts';
import { RecyclingStore } from '../../src/draft/stores/recycling-store.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { SpanStore } from '../../src/draft/stores/span-store.ts';
import { MAX_TREE_NODES, ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { followersOf } from '../support/followers.ts';

/** What stores name next; of a drafter without any, what it drafts. */
function named(drafter: Drafter): Set<number> {
  if (drafter instanceof BlendDrafter) return followersOf(drafter);
  const tree = new TokenTree();
  drafter.draft(tree, 64);
  return new Set(tree.tokens.subarray(0, tree.size));
}

/** A drafter that knows `documents` by one source, and begins a turn with `prompt`. */
type Known = (documents: readonly Int32Array[], prompt: readonly number[]) => Drafter;

function begun(store: EvidenceStore, prompt: readonly number[]): Drafter {
  const drafter = new BlendDrafter([store]);
  drafter.begin(Int32Array.from(prompt), []);
  return drafter;
}

/** The documents before a prompt, each a region. */
function asPassages(documents: readonly Int32Array[], source: Source, prompt: readonly number[]) {
  let start = 0;
  const regions = documents.map(({ length }) => {
    start += length;
    return { start: start - length, end: start, source };
  });
  const tokens = documents.flatMap((document) => [...document]);
  return { tokens: Int32Array.from([...tokens, ...prompt]), regions };
}

/** As the session's own text. */
function inSession(source: Source, aligned: boolean): Known {
  return (documents, prompt) => {
    const { tokens, regions } = asPassages(documents, source, prompt);
    const session = new SessionStore();
    const drafter = new BlendDrafter([session, ...(aligned ? [new AlignmentStore(session)] : [])]);
    drafter.begin(tokens, regions);
    return drafter;
  };
}

const SOURCES: Record<string, { source: Source; know: Known }> = {
  'L, passages': { source: Source.passage, know: inSession(Source.passage, false) },
  'L, passages, aligned': { source: Source.passage, know: inSession(Source.passage, true) },
  'P, prediction': {
    source: Source.prediction,
    know(documents, prompt) {
      const spans = new SpanStore();
      const drafter = begun(spans, prompt);
      spans.learn(documents.map((tokens) => ({ source: Source.prediction, begins: true, tokens })));
      return drafter;
    },
  },
  'T, outputs': {
    source: Source.tenant,
    know(documents, prompt) {
      const outputs = new OutputStore();
      for (const document of documents) outputs.learn(document);
      return begun(outputs, prompt);
    },
  },
  'S, corpus': {
    source: Source.corpus,
    know: (documents, prompt) =>
      begun(new CorpusStore(new Segment(buildSegment(documents))), prompt),
  },
  'A, recycling': {
    source: Source.recycling,
    know(documents, prompt) {
      const store = new RecyclingStore();
      for (const document of documents) {
        for (let i = 1; i < document.length; i++)
          store.table.observe(document[i - 1]!, [document[i]!]);
      }
      return begun(store, prompt);
    },
  },
  'tri-grams': {
    source: Source.trigram,
    know(documents, prompt) {
      const drafter = new TrigramDrafter(documents);
      drafter.begin(Int32Array.from(prompt));
      return drafter;
    },
  },
};

/** All stores together, the documents dealt out among them in turn; the first is T's. */
function dealtOut(documents: readonly Int32Array[], prompt: readonly number[]): Drafter {
  const dealt = (to: number) => documents.filter((_, i) => i % 5 === to);
  const outputs = new OutputStore();
  for (const document of dealt(0)) outputs.learn(document);
  const corpus = new CorpusStore(new Segment(buildSegment(dealt(1))));
  const spans = new SpanStore();
  const recycled = new RecyclingStore();
  for (const document of dealt(3)) {
    for (let i = 1; i < document.length; i++)
      recycled.table.observe(document[i - 1]!, [document[i]!]);
  }
  const session = new SessionStore();
  const aligned = [session, outputs, spans].map((store) => new AlignmentStore(store));
  const drafter = new BlendDrafter([session, outputs, corpus, spans, recycled, ...aligned]);
  const { tokens, regions } = asPassages(dealt(4), Source.passage, prompt);
  drafter.begin(tokens, regions);
  spans.learn(dealt(2).map((tokens) => ({ source: Source.corpus, begins: false, tokens })));
  return drafter;
}
SOURCES['the blend of all'] = { source: Source.tenant, know: dealtOut };

const text = fc.array(fc.nat(7), { maxLength: 60 }).map((list) => Int32Array.from(list));
const texts = fc.array(text, { maxLength: 4 });

describe.each(Object.entries(SOURCES))('%s', (_name, { source, know }) => {
  function drafted(drafter: Drafter, budget: number): TokenTree {
    const tree = new TokenTree();
    drafter.draft(tree, budget);
    tree.checkIntegrity();
    if (drafter instanceof BlendDrafter) drafter.checkIntegrity();
    return tree;
  }

  test('continues what it knows, under its own name', () => {
    const drafter = know([Int32Array.of(11, 12, 13, 14, 15)], [90, 91]);
    drafter.commit(Int32Array.of(11, 12));
    const tree = drafted(drafter, 8);
    const node = tree.child(ROOT, 13);
    expect(node).toBeGreaterThanOrEqual(0);
    expect(tree.sources[node]).toBe(source);
    expect(tree.child(node, 14)).toBeGreaterThanOrEqual(0);
  });

  test('drafts valid trees within the budget, the same ones each time', () => {
    fc.assert(
      fc.property(texts, text, fc.nat(64), (documents, output, budget) => {
        const trees = [1, 2].map(() => {
          const drafter = know(documents, [1, 2]);
          drafter.commit(output);
          const tree = drafted(drafter, budget);
          expect(tree.size).toBeLessThanOrEqual(budget);
          for (let node = 0; node < tree.size; node++) {
            const parent = tree.parents[node]!;
            const above = parent === ROOT ? 1 : tree.probs[parent]!;
            expect(tree.probs[node]!).toBeLessThanOrEqual(above + 1e-6);
          }
          return tree;
        });
        expect(trees[0]!.tokens).toEqual(trees[1]!.tokens);
        expect(trees[0]!.parents).toEqual(trees[1]!.parents);
      }),
    );
  });

  test('no context leads from one document into another', () => {
    // Every document has its own alphabet: followers from two crossed a separator.
    const own = fc.array(fc.array(fc.nat(4), { minLength: 2, maxLength: 30 }), { maxLength: 4 });
    fc.assert(
      fc.property(own, fc.nat(3), (lists, which) => {
        const documents = lists.map((list, d) => Int32Array.from(list, (t) => 100 * (d + 1) + t));
        const chosen = documents[which];
        fc.pre(chosen !== undefined);
        const drafter = know(documents, [1, 2]);
        const alphabet = Math.floor(chosen![1]! / 100);
        for (const token of chosen!) {
          drafter.commit(Int32Array.of(token));
          for (const follower of named(drafter)) {
            if (follower >= 100) expect(Math.floor(follower / 100)).toBe(alphabet);
          }
        }
      }),
    );
  });

  test('leaves what others drafted in place, and goes on below it', () => {
    const drafter = know([Int32Array.of(11, 12, 13, 14)], [90, 91]);
    drafter.commit(Int32Array.of(11, 12));
    const tree = new TokenTree();
    const theirs = tree.add(ROOT, 13, 0.01, Source.draft);
    drafter.draft(tree, 8);
    tree.checkIntegrity();
    expect(tree.child(ROOT, 13)).toBe(theirs);
    expect(tree.sources[theirs]).toBe(Source.draft);
    expect(tree.child(theirs, 14)).toBeGreaterThanOrEqual(0);
  });

  test('starts a turn without the one before', () => {
    const drafter = know([], [1, 2]);
    drafter.commit(Int32Array.of(40, 41, 42, 40, 41));
    drafter.begin(Int32Array.of(1, 40, 41), []);
    // Tri-grams learn across turns, by design; everything else has forgotten.
    const known = drafted(drafter, 8).child(ROOT, 42) >= 0;
    expect(known).toBe(source === Source.trigram);
  });

  test('never exceeds the wire, whatever budget it is given', () => {
    const long = Int32Array.from({ length: 3000 }, (_, i) => (7 * i * i + i) % 23);
    const drafter = know([long], [90, 91]);
    drafter.commit(long.subarray(0, 40));
    expect(drafted(drafter, 1e9).size).toBeLessThanOrEqual(MAX_TREE_NODES);
    expect(drafted(drafter, -1).size).toBe(0);
    const small = new TokenTree(5);
    drafter.draft(small, 64);
    small.checkIntegrity();
    expect(small.size).toBeLessThanOrEqual(5);
  });

  test('copes with an empty prompt and an empty commit', () => {
    const drafter = know([], []);
    drafter.commit(new Int32Array(0));
    expect(drafted(drafter, 8).size).toBe(0);
  });
});

describe('the recycling store', () => {
  function names(table: RecycledTable, last: number): Set<number> {
    const tree = new TokenTree();
    begun(new RecyclingStore(table), [last]).draft(tree, 64);
    return new Set(
      [...tree.tokens.subarray(0, tree.size)].filter((_, i) => tree.parents[i] === ROOT),
    );
  }

  test('of two places with the same token, the later one holds', () => {
    const table = new RecycledTable();
    table.observe(5, [1, 2, 3]);
    table.observe(5, [4, 3, 6, 7, 8, 9, 10, 11, 12]);
    expect(names(table, 5)).toEqual(new Set([4, 3, 6, 7, 8, 9, 10, 11]));
  });

  test('forgets the token met first when it is full, and never grows beyond', () => {
    const table = new RecycledTable(300);
    for (let token = 0; token < 1000; token++) {
      table.observe(token, [token + 1]);
      table.checkIntegrity();
    }
    expect(names(table, 699).size).toBe(0);
    expect(names(table, 700)).toEqual(new Set([701]));
    expect(names(table, 999)).toEqual(new Set([1000]));
    expect(table.bytes).toBeLessThan(300 * 128);
    expect(() => new RecycledTable(0)).toThrow(/1 to/);
  });
});

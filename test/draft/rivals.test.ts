/** The rivals in the comparison do what their originals do, on texts small enough to follow by hand. */
import { describe, expect, test } from 'vitest';
import { SamDecoding } from '../../bench/rivals/sam-decoding.ts';
import { SglangNgram } from '../../bench/rivals/sglang-ngram.ts';
import { SuffixDecoding } from '../../bench/rivals/suffix-decoding.ts';
import type { Drafter } from '../../src/draft/drafter.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';

/** Paths from the root, in the order in which their last nodes were drafted. */
function drafted(drafter: Drafter, text: readonly number[], budget: number): number[][] {
  drafter.begin(Int32Array.from(text), []);
  const tree = new TokenTree();
  drafter.draft(tree, budget);
  tree.checkIntegrity();
  const paths: number[][] = [];
  for (let node = 0; node < tree.size; node++) {
    const above = tree.parents[node] === ROOT ? [] : paths[tree.parents[node]!]!;
    paths.push([...above, tree.tokens[node]!]);
  }
  return paths;
}

function documents(...texts: readonly number[][]): Int32Array[] {
  return texts.map((text) => Int32Array.from(text));
}

describe('SGLang', () => {
  test('drafts what came last first, not what came most often, level by level', () => {
    expect(drafted(new SglangNgram(), [1, 5, 1, 5, 1, 7, 1], 4)).toEqual([
      [7],
      [5],
      [7, 1],
      [5, 1],
    ]);
  });

  test('lets the longest match grow first, and a shorter one into what it left', () => {
    // After 2 1 came 6; after 1 alone 8 came later.
    expect(drafted(new SglangNgram(), [2, 1, 6, 3, 1, 8, 2, 1], 3)).toEqual([
      [6],
      [6, 3],
      [6, 3, 1],
    ]);
    expect(drafted(new SglangNgram(), [2, 1, 6, 1, 8, 2, 1], 30)).toContainEqual([8]);
  });

  test('is narrower the longer the match', () => {
    const match = Array.from({ length: 16 }, (_, i) => 100 + i);
    const text = [...match, 1, ...match, 2, ...match];
    // One child of the match of 16; the rest of the budget goes on below it.
    expect(drafted(new SglangNgram(), text, 2)).toEqual([[2], [2, 100]]);
  });

  test('keeps every fourth node for the corpus, even where its own text would fill them all', () => {
    const corpus = documents([1, 9, 9, 9]);
    const text = [1, 7, 1, 6, 1, 5, 1, 4, 1];
    const own = drafted(new SglangNgram(), text, 4);
    expect(own).toEqual([[4], [5], [6], [7]]);
    expect(drafted(new SglangNgram(corpus), text, 4)).toEqual([[4], [5], [6], [9]]);
  });

  test('leaves the place empty of a node that text and corpus both draft', () => {
    expect(drafted(new SglangNgram(documents([1, 4])), [1, 7, 1, 6, 1, 5, 1, 4, 1], 4)).toEqual([
      [4],
      [5],
      [6],
    ]);
  });
});

describe('SAM-Decoding', () => {
  const corpus = documents([2, 1, 8], [2, 1, 8], [2, 1, 9]);

  test('takes a corpus as soon as its match is longer by one token, and drafts a tree of it', () => {
    expect(drafted(new SamDecoding(corpus), [1, 5, 2, 1], 8)).toEqual([[8], [9]]);
  });

  test('drafts a chain from its own text when the matches are equally long', () => {
    expect(drafted(new SamDecoding(corpus), [1, 5, 3, 1], 8)).toEqual([[5], [5, 3], [5, 3, 1]]);
  });
});

describe('SuffixDecoding', () => {
  test('fills the budget after a single matched token, with what is improbable too', () => {
    const often = Array.from({ length: 38 }, (_, i) => [1, 2, 100 + i]).flat();
    const seldom = Array.from({ length: 3 }, (_, i) => [1, 3, 200 + i]).flat();
    const paths = drafted(new SuffixDecoding(), [...seldom, ...often, 4, 1], 32);
    expect(paths).toHaveLength(32);
    expect(paths).toContainEqual([3]);
  });
});

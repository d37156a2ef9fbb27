/**
 * What each lossy rule commits, enumerated over the target's draw: which token stands in
 * for which. `bench:accept -- --lossy` computes its figures by the same laws.
 */
import { describe, expect, test } from 'vitest';
import { moved, relaxedLaw, typicalLaw } from '../../bench/accept/lossy.ts';
import type { AcceptChoice } from '../../gpu-backend/accept/choice.ts';
import { judged } from '../../gpu-backend/accept/lossy/judge.ts';
import { NEAR, NeighbourTable } from '../../gpu-backend/accept/lossy/neighbour-table.ts';
import { turnRule } from '../../gpu-backend/accept/turn-rule.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { turnOf } from '../support/turn.ts';

const V = 5;
const DRAWS = 100_000;
/** 99.99 % quantile of χ² with 4 degrees of freedom; fewer degrees stay below it too. */
const CHI2_LIMIT = 23.6;

interface Place {
  p: Float64Array;
  drafts: number[];
}

/** How often each token is committed by the rule's own class, with a draw for each position. */
function committed(choice: AcceptChoice, { p, drafts }: Place, hidden: readonly number[] = []) {
  const tree = new TokenTree(V);
  for (const token of drafts) tree.add(ROOT, token, 0.5, Source.draft);
  const warp = { temperature: 1, topK: 0, topP: 1 };
  const turn = turnOf({ prompt: Int32Array.of(0), seed: [30, 11], warp, accept: choice });
  const { rule, lossy } = turnRule(turn, {
    nucleus: new Nucleus(V),
    vocabSize: V,
    processors: [],
    hiddenAt: (node) => Float32Array.of(hidden[tree.tokens[node]!]!),
  });
  const logits = Float32Array.from(p, Math.log);
  const counts = new Array<number>(V).fill(0);
  for (let position = 0; position < DRAWS; position++) {
    counts[rule.token(logits, position, undefined, tree, ROOT)]!++;
  }
  return { counts, deviations: lossy!.deviations };
}

/** Pearson's statistic; infinite where a token was committed that the law never has. */
function chiSquared(counts: readonly number[], law: Float64Array): number {
  return law.reduce((sum, px, x) => {
    if (px === 0) return counts[x] === 0 ? sum : Number.POSITIVE_INFINITY;
    return sum + (counts[x]! - DRAWS * px) ** 2 / (DRAWS * px);
  }, 0);
}

/** The counts follow the law, and would not pass for the target's own; what is moved is counted. */
function expectLaw(
  { counts, deviations }: ReturnType<typeof committed>,
  law: Float64Array,
  p: Float64Array,
) {
  expect(law.reduce((sum, px) => sum + px, 0)).toBeCloseTo(1, 12);
  expect(chiSquared(counts, law)).toBeLessThan(CHI2_LIMIT);
  expect(chiSquared(counts, p)).toBeGreaterThan(CHI2_LIMIT);
  const share = law.reduce((sum, px, x) => sum + Math.max(0, px - p[x]!), 0);
  // Five standard errors.
  const error = 5 * Math.sqrt((share * (1 - share)) / DRAWS);
  expect(Math.abs(deviations / DRAWS - share)).toBeLessThan(error);
}

describe('typical', () => {
  test('the likeliest draft takes the place of every draw that is none', () => {
    const place = { p: Float64Array.of(0.5, 0.2, 0.15, 0.1, 0.05), drafts: [3, 1] };
    const law = typicalLaw(place);
    expect([...law]).toEqual(
      [0, 0.2 + 0.5 + 0.15 + 0.05, 0, 0.1, 0].map((px) => expect.closeTo(px, 12)),
    );
    expectLaw(committed({ name: 'typical' }, place), law, place.p);
  });

  test('none where the likeliest draft is below the bar', () => {
    // The bar is 0.09, as 0.3 · e^−H is 0.14.
    const place = { p: Float64Array.of(0.8, 0.06, 0.06, 0.04, 0.04), drafts: [1, 3] };
    expect([...typicalLaw(place)]).toEqual([...place.p]);
    const { counts, deviations } = committed({ name: 'typical' }, place);
    expect(chiSquared(counts, place.p)).toBeLessThan(CHI2_LIMIT);
    expect(deviations).toBe(0);
  });
});

test('relaxed: a draft takes the place of its neighbours, while they fit', () => {
  const place = { p: Float64Array.of(0.3, 0.05, 0.3, 0.04, 0.31), drafts: [2, 0] };
  const near = [[4, 3], [0], [3, 1, 4], [0], [0]];
  const table = Int32Array.from({ length: V * NEAR }, (_, i) => {
    const of = near[Math.floor(i / NEAR)]!;
    return of[Math.min(i % NEAR, of.length - 1)]!;
  });
  const law = relaxedLaw(0.1)({ ...place, place: { near } });
  expect([...law]).toEqual([0.3, 0, 0.39, 0, 0.31].map((px) => expect.closeTo(px, 12)));
  const choice: AcceptChoice = { name: 'relaxed', neighbours: new NeighbourTable(table) };
  expectLaw(committed(choice, place), law, place.p);
});

test('judge: the draft that is judged best takes the place of every draw that is none', () => {
  const place = { p: Float64Array.of(0.4, 0.3, 0.15, 0.1, 0.05), drafts: [1, 4, 3] };
  const head = { weights: Float32Array.of(1), bias: -0.5, threshold: 0.6 };
  /** Of each token, as a draft. */
  const law = (hidden: readonly number[]) => {
    const scores = place.drafts.map((x) => judged(head, Float32Array.of(hidden[x]!)));
    const high = Math.max(...scores);
    const best = high > head.threshold ? place.drafts[scores.indexOf(high)]! : -1;
    return moved(place.p, place.drafts, () => best);
  };
  const good = [0, 1.2, 0, 0, 2];
  expect([...law(good)]).toEqual([0, 0.3, 0, 0.1, 0.6].map((px) => expect.closeTo(px, 12)));
  expectLaw(committed({ name: 'judge', head }, place, good), law(good), place.p);
  const bad = [9, 0.8, 9, 0.1, 0.7];
  expect([...law(bad)]).toEqual([...place.p]);
  const { counts, deviations } = committed({ name: 'judge', head }, place, bad);
  expect(chiSquared(counts, place.p)).toBeLessThan(CHI2_LIMIT);
  expect(deviations).toBe(0);
});

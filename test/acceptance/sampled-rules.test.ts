/** Rules for sampled drafts: what they commit follows the target exactly, and none accepts more than the optimum. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { optimumWith, optimumWithout } from '../../bench/accept/optimum.ts';
import { drawDistinct } from '../../gpu-backend/accept/sampled/drawing.ts';
import { rhoOf } from '../../gpu-backend/accept/sampled/k-seq.ts';
import { SAMPLED_RULES, type SampledRule } from '../../gpu-backend/accept/sampled/rules.ts';
import { type AcceptLaw, lawOf, settle } from '../../gpu-backend/accept/sampled/trial.ts';
import { Noise } from '../../src/draft/noise.ts';
import { outcomesOf } from './enumeration.ts';

const V = 5;
const RULES = Object.entries<SampledRule>(SAMPLED_RULES);

function softmax(logits: readonly number[]): Float64Array {
  const weights = Float64Array.from(logits, Math.exp);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

const distribution = fc
  .array(fc.double({ min: -6, max: 3, noNaN: true }), { minLength: V, maxLength: V })
  .map(softmax);

/** The law of the committed token, and the probability that it is one of the drafts. */
function enumerate({ law, draw }: SampledRule, p: Float64Array, q: Float64Array, k: number) {
  const total = new Float64Array(V);
  let accepted = 0;
  for (const { tokens, prob } of outcomesOf(draw, q, k)) {
    const trial = law(p, { tokens, q });
    const committed = lawOf(trial, { tokens, q });
    expect(Math.min(...trial.residual, ...trial.accept)).toBeGreaterThanOrEqual(0);
    expect(Math.max(0, ...trial.accept)).toBeLessThanOrEqual(1);
    for (let x = 0; x < V; x++) {
      total[x]! += prob * committed[x]!;
      if (tokens.includes(x)) accepted += prob * committed[x]!;
    }
  }
  return { total, accepted };
}

/** By the dual's definition: over every set of tokens. */
function optimumByAllSets(draw: SampledRule['draw'], p: Float64Array, q: Float64Array, k: number) {
  const outcomes = outcomesOf(draw, q, k);
  let best = 1;
  for (let set = 0; set < 1 << V; set++) {
    const has = (x: number) => ((set >> x) & 1) === 1;
    const mass = p.reduce((sum, px, x) => sum + (has(x) ? px : 0), 0);
    const inside = outcomes.filter(({ tokens }) => tokens.every(has));
    best = Math.min(best, 1 + mass - inside.reduce((sum, { prob }) => sum + prob, 0));
  }
  return best;
}

describe.each(RULES)('%s', (_, rule) => {
  test('commits by the target’s distribution, whatever was drafted', () => {
    fc.assert(
      fc.property(distribution, distribution, fc.integer({ min: 1, max: 4 }), (p, q, k) => {
        const { total } = enumerate(rule, p, q, k);
        for (let x = 0; x < V; x++) expect(Math.abs(total[x]! - p[x]!)).toBeLessThan(1e-12);
      }),
      { numRuns: 60 },
    );
  });

  test('holds where either distribution has zeros, and where both are the same', () => {
    const sparse = Float64Array.of(0.5, 0, 0.5, 0, 0);
    const other = Float64Array.of(0, 0.3, 0.2, 0.5, 0);
    for (const [p, q] of [
      [sparse, other],
      [other, sparse],
      [other, other],
    ] as const) {
      for (const k of [1, 2, 3]) {
        const { total } = enumerate(rule, p, q, k);
        for (let x = 0; x < V; x++) expect(total[x]).toBeCloseTo(p[x]!, 12);
      }
    }
  });

  test('100,000 draws follow the target (χ²)', () => {
    expect(chiSquared(rule)).toBeLessThan(CHI2_LIMIT);
  });
});

/** Greedy drafts are not drawn alike, and have an optimum of their own. */
test.each(RULES.filter(([name]) => name !== 'greedy'))(
  '%s accepts no more than the optimum of its way of drawing',
  (_, rule) => {
    const optimum = rule.draw === drawDistinct ? optimumWithout : optimumWith;
    fc.assert(
      fc.property(distribution, distribution, fc.integer({ min: 1, max: 3 }), (p, q, k) => {
        const { accepted } = enumerate(rule, p, q, k);
        expect(accepted).toBeLessThanOrEqual(optimum(p, q, k) + 1e-4);
      }),
      { numRuns: 40 },
    );
  },
);

/** 99.99 % quantile of χ² with 4 degrees of freedom. */
const CHI2_LIMIT = 23.6;
const P = softmax([1, -0.5, 0.3, 2, -1]);
const Q = softmax([0, 1.5, 0.2, 1, -2]);

function chiSquared({ law, draw }: SampledRule): number {
  const draws = 100_000;
  const [drafting, trying, target] = [new Noise([1, 1]), new Noise([2, 1]), new Noise([3, 1])];
  const counts = new Float64Array(V);
  for (let round = 0; round < draws; round++) {
    for (const noise of [drafting, trying, target]) noise.at(round);
    const tokens = draw(Q, 3, (i) => drafting.uniform(i));
    const trial = law(P, { tokens, q: Q });
    const taken = settle(trial, (i) => trying.uniform(i));
    counts[taken < 0 ? race(trial.residual, target) : tokens[taken]!]!++;
  }
  return P.reduce((sum, p, x) => sum + (counts[x]! - draws * p) ** 2 / (draws * p), 0);
}

function race(weights: Float64Array, noise: Noise): number {
  const scores = weights.map((weight, x) => Math.log(weight) + noise.gumbel(x));
  return scores.indexOf(Math.max(...scores));
}

test('a rule that draws from the target where it should from the residual is found out', () => {
  const careless: AcceptLaw = (p, drawn) => ({
    ...SAMPLED_RULES.recursive.law(p, drawn),
    residual: p,
  });
  expect(chiSquared({ ...SAMPLED_RULES.recursive, law: careless })).toBeGreaterThan(CHI2_LIMIT);
});

test('one draft is accepted with Σ min(p, q) by every rule', () => {
  const overlap = P.reduce((sum, p, x) => sum + Math.min(p, Q[x]!), 0);
  for (const [, rule] of RULES) expect(enumerate(rule, P, Q, 1).accepted).toBeCloseTo(overlap, 12);
});

test('ρ solves its equation', () => {
  for (const k of [2, 3, 8]) {
    const rho = rhoOf(P, Q, k);
    const beta = P.reduce((sum, p, x) => sum + Math.min(Q[x]!, p / rho), 0);
    expect(1 - (1 - beta) ** k).toBeCloseTo(rho * beta, 12);
  }
});

test('greedy drafts accept p(Top) + Σ min(p, q′)', () => {
  const top = [1, 3];
  const rest = Q.map((q, x) => (top.includes(x) ? 0 : q));
  const mass = rest.reduce((sum, q) => sum + q, 0);
  const expected = P.reduce(
    (sum, p, x) => sum + (top.includes(x) ? p : Math.min(p, rest[x]! / mass)),
    0,
  );
  expect(enumerate(SAMPLED_RULES.greedy, P, Q, 3).accepted).toBeCloseTo(expected, 12);
});

describe('the optimum', () => {
  test('is that over all sets of tokens', () => {
    fc.assert(
      fc.property(distribution, distribution, fc.integer({ min: 1, max: 3 }), (p, q, k) => {
        const { draw } = SAMPLED_RULES.recursive;
        expect(optimumWith(p, q, k)).toBeCloseTo(optimumByAllSets(draw, p, q, k), 10);
        expect(optimumWithout(p, q, k)).toBeCloseTo(optimumByAllSets(drawDistinct, p, q, k), 3);
      }),
      { numRuns: 40 },
    );
  });

  test('rises with the drafts, and is higher without replacement', () => {
    for (let k = 1; k < 4; k++) {
      expect(optimumWith(P, Q, k + 1)).toBeGreaterThanOrEqual(optimumWith(P, Q, k));
      expect(optimumWithout(P, Q, k + 1)).toBeGreaterThan(optimumWith(P, Q, k));
    }
  });
});

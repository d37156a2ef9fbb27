/** The draw follows the target's distribution, and depends on nothing but logits, seed and position. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draw } from '../../gpu-backend/accept/draw.ts';
import { leastBits } from '../../gpu-backend/accept/least-bits.ts';
import { Nucleus, type Warp } from '../../gpu-backend/accept/warp.ts';
import { quickExp } from '../../gpu-backend/logits/quick-exp.ts';
import { Noise } from '../../src/draft/noise.ts';

const LOGITS = Float32Array.of(1.2, -0.3, 0.9, 2.1, -1.5, 0.0, 1.2, -4);

function softmax(logits: Float32Array, keep: number[], temperature: number): Float64Array {
  const p = new Float64Array(logits.length);
  let sum = 0;
  const max = Math.max(...keep.map((id) => logits[id]!));
  for (const id of keep) sum += p[id] = Math.exp((logits[id]! - max) / temperature);
  return p.map((x) => x / sum);
}

/** What the warpers of transformers keep, by their definition, computed the slow way. */
function kept(logits: Float32Array, { temperature, topK, topP, minP = 0 }: Warp): number[] {
  let ids = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
  if (topK > 0) ids = ids.slice(0, topK);
  const likeliest = logits[ids[0]!]!;
  const likely = (id: number) => Math.exp((logits[id]! - likeliest) / temperature) >= minP;
  if (topP >= 1) return ids.filter(likely);
  const p = softmax(logits, ids, temperature);
  let mass = 0;
  return ids.filter((id) => {
    const before = mass;
    mass += p[id]!;
    return before < topP && likely(id);
  });
}

/** Pearson's statistic of `draws` draws at as many positions. */
function chiSquared(warp: Warp, draws: number, seed: [number, number]): number {
  const draw = new Draw(warp, seed, new Nucleus(LOGITS.length));
  const counts = new Float64Array(LOGITS.length);
  for (let position = 0; position < draws; position++) counts[draw.token(LOGITS, position)]!++;
  const p = softmax(LOGITS, kept(LOGITS, warp), warp.temperature);
  let statistic = 0;
  for (let id = 0; id < p.length; id++) {
    if (p[id] === 0) expect(counts[id]).toBe(0);
    else statistic += (counts[id]! - draws * p[id]!) ** 2 / (draws * p[id]!);
  }
  return statistic;
}

const DRAWS = 100_000;
/** 99.99 % quantile of χ² with 7 degrees of freedom; fewer degrees stay below it too. */
const CHI2_LIMIT = 29.9;

describe('distribution', () => {
  const warps: Warp[] = [
    { temperature: 1, topK: 0, topP: 1 },
    { temperature: 0.7, topK: 0, topP: 1 },
    { temperature: 2.5, topK: 0, topP: 1 },
    { temperature: 0.8, topK: 3, topP: 1 },
    { temperature: 1, topK: 0, topP: 0.8 },
    { temperature: 1.3, topK: 5, topP: 0.7 },
    { temperature: 1.3, topK: 0, topP: 1, minP: 0.2 },
    { temperature: 1, topK: 6, topP: 0.95, minP: 0.1 },
    { temperature: 1, topK: 0, topP: 0.999, minP: 0.3 },
  ];
  test.each(warps)('draws follow the warped softmax: %o', (warp) => {
    expect(chiSquared(warp, DRAWS, [1234, 5678])).toBeLessThan(CHI2_LIMIT);
  });

  test('the statistic would notice a tilted draw', () => {
    // The same draws held against a temperature they were not made with.
    const draw = new Draw({ temperature: 1.1, topK: 0, topP: 1 }, [1, 2], new Nucleus(8));
    const counts = new Float64Array(8);
    for (let i = 0; i < DRAWS; i++) counts[draw.token(LOGITS, i)]!++;
    const p = softmax(LOGITS, [...LOGITS.keys()], 1);
    const statistic = p.reduce(
      (sum, q, id) => sum + (counts[id]! - DRAWS * q) ** 2 / (DRAWS * q),
      0,
    );
    expect(statistic).toBeGreaterThan(CHI2_LIMIT);
  });

  test('neighbouring positions and seeds are independent', () => {
    const flat = new Float32Array(2);
    const count = (pairs: (draw: (seed: number, at: number) => number, i: number) => boolean) => {
      const one = (seed: number, at: number) =>
        new Draw({ temperature: 1, topK: 0, topP: 1 }, [seed, 0], new Nucleus(2)).token(flat, at);
      let equal = 0;
      for (let i = 0; i < 10_000; i++) if (pairs(one, i)) equal++;
      return equal;
    };
    // Binomial(10000, 1/2): five standard deviations are 250.
    expect(Math.abs(count((d, i) => d(7, i) === d(7, i + 1)) - 5000)).toBeLessThan(250);
    expect(Math.abs(count((d, i) => d(i, 3) === d(i + 1, 3)) - 5000)).toBeLessThan(250);
  });
});

describe('purity', () => {
  const warp = fc.record({
    temperature: fc.double({ min: 0, max: 3, noNaN: true }),
    topK: fc.integer({ min: 0, max: 40 }),
    topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 0.99, noNaN: true }),
  });
  const logits = fc
    .array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 40 })
    .map((values) => Float32Array.from(values));

  test('the token is one that the warpers keep, whatever the order of draws', () => {
    fc.assert(
      fc.property(logits, warp, fc.nat(), fc.nat(1e6), (values, warp, seed, position) => {
        const draw = new Draw(warp, [seed, 9], new Nucleus(values.length));
        const first = draw.token(values, position);
        draw.token(values, position + 1);
        expect(draw.token(values, position)).toBe(first);
        if (warp.temperature > 0) expect(kept(values, warp)).toContain(first);
      }),
    );
  });

  test('the cut that skips hopeless tokens never changes the winner', () => {
    fc.assert(
      fc.property(logits, fc.nat(), fc.nat(1e6), (values, seed, position) => {
        const temperature = 0.3;
        const all = new Draw(
          { temperature, topK: values.length, topP: 1 },
          [seed, 0],
          new Nucleus(64),
        );
        const cut = new Draw({ temperature, topK: 0, topP: 1 }, [seed, 0], new Nucleus(64));
        expect(cut.token(values, position)).toBe(all.token(values, position));
      }),
    );
  });

  test('the winner is that of all tokens, with peaks of blocks and without, at any temperature', () => {
    const temperature = fc.constantFrom(1e-25, 1e-15, 1e-9, 1e-3, 0.3, 1, 2);
    const blocks = fc.integer({ min: 1, max: 8 });
    const many = fc.array(fc.constantFrom(-20, -3, 0, 2, 2.5, 3, 19), {
      minLength: 64,
      maxLength: 64,
    });
    fc.assert(
      fc.property(many, temperature, blocks, fc.nat(), (list, temperature, blocks, seed) => {
        const values = Float32Array.from(list.slice(0, 8 * blocks));
        const peaks = Float32Array.from({ length: blocks }, (_, i) =>
          Math.max(...values.subarray(8 * i, 8 * (i + 1))),
        );
        const noise = new Noise([seed, 0]);
        noise.at(5);
        const scores = [...values].map((z, id) => z / temperature + noise.gumbel(id));
        const winner = scores.indexOf(Math.max(...scores));
        const nucleus = new Nucleus(values.length);
        const draw = new Draw({ temperature, topK: 0, topP: 1 }, [seed, 0], nucleus);
        expect(draw.token(values, 5)).toBe(winner);
        expect(draw.token(values, 5, peaks)).toBe(winner);
        for (const warp of [
          { topK: 5 },
          { topP: 0.877 },
          { topK: 9, topP: 0.533 },
          { minP: 0.1 },
        ]) {
          const warped = { temperature, topK: 0, topP: 1, ...warp };
          const some = new Draw(warped, [seed, 0], nucleus);
          const high = Math.max(...kept(values, warped).map((id) => scores[id]!));
          expect(scores[some.token(values, 5)]).toBe(high);
          expect(some.token(values, 5, peaks)).toBe(some.token(values, 5));
        }
      }),
    );
  });

  test.each([1e-307, 5e-324])('a temperature of %f is greedy', (temperature) => {
    for (const values of [Float32Array.of(1, 20, 3, 20), Float32Array.of(-9, -3, -3, -7)]) {
      const draw = new Draw({ temperature, topK: 0, topP: 1 }, [1, 2], new Nucleus(4));
      expect(draw.token(values, 3)).toBe(1);
      expect(draw.token(values, 3, Float32Array.of(values[1]!, values[2]!))).toBe(1);
    }
  });

  test('a nucleus that lies far below the likeliest token is found whole', () => {
    const values = Float32Array.from({ length: 4_096 }, (_, id) => (id === 7 ? 0 : -6 - id / 1e4));
    const warp = { temperature: 1, topK: 0, topP: 0.9 };
    const nucleus = new Nucleus(values.length).select(values, 0, warp);
    expect([...nucleus]).toEqual(kept(values, warp));
    expect(nucleus.length).toBeGreaterThan(1_000);
  });

  test('the quick exponential has eight digits', () => {
    for (let x = 0; x > -64; x -= 0.0137) {
      expect(Math.abs(quickExp(x) / Math.exp(x) - 1)).toBeLessThan(1e-8);
    }
    for (const x of [-65, -1e9, Number.NEGATIVE_INFINITY, Number.NaN]) expect(quickExp(x)).toBe(0);
  });

  test('enough noise is told by its bits', () => {
    const noise = new Noise([3, 4]);
    for (let position = 0; position < 50; position++) {
      noise.at(position);
      for (let token = 0; token < 200; token++) {
        const gumbel = noise.gumbel(token);
        expect(noise.bits(token)).toBeGreaterThanOrEqual(leastBits(gumbel));
        // Not by much: what is weaker by an eighth is skipped.
        expect(noise.bits(token)).toBeLessThan(leastBits(gumbel + 1 / 8) + 3);
      }
    }
  });

  test('greedy takes the lowest id among equals', () => {
    const draw = new Draw({ temperature: 0, topK: 0, topP: 1 }, [0, 0], new Nucleus(4));
    expect(draw.token(Float32Array.of(1, 3, 3, 2), 0)).toBe(1);
  });
});

/**
 * Superposed Decoding: its drafts are the best by its own formula, each followed
 * by the stores by itself; in the graph, one token that weighs everything is that
 * token; and one draft without the blend is what the model says greedily.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { Mixer } from '../../src/draft/blend/mixer.ts';
import { MAX_DRAFTS, SuperposedDrafts } from '../../src/draft/superposed.ts';
import type { EdgeModel } from '../../src/generate/draft-model/edge-model.ts';
import { EdgeReader } from '../../src/generate/draft-model/edge-reader.ts';
import { TurnDrafter } from '../../src/memory/turn/turn-drafter.ts';
import { argmax, maxDifference } from '../engine/driver.ts';

const END = 9;

/** Drafts over what `text` itself says. */
function over(text: number[], drafts: number, alpha: number): SuperposedDrafts {
  const { stores, mixer } = new TurnDrafter();
  for (const store of stores) store.begin(Int32Array.from(text), []);
  return new SuperposedDrafts(stores, mixer, text.at(-1)!, {
    drafts,
    alpha,
    endIds: new Set([END]),
    heard: null,
  });
}

/** Logits of ten tokens; those that are not named are far below. */
function logits(named: Record<number, number>): Float32Array {
  return Float32Array.from({ length: 10 }, (_, token) => named[token] ?? -20);
}

function logSoftmax(values: Float32Array): number[] {
  const sum = values.reduce((total, value) => total + Math.exp(value), 0);
  return [...values].map((value) => value - Math.log(sum));
}

describe('drafts', () => {
  test('without the blend a score is the model’s own, and all drafts are gone on with alike', () => {
    const first = logits({ 1: 2, 2: 1, 3: 0 });
    const second = logits({ 4: 1, 5: 0.5 });
    const drafts = over([7, 8], 2, 0);
    drafts.extend(first);
    drafts.extend(second);
    const [p, q] = [logSoftmax(first), logSoftmax(second)];
    expect(drafts.drafts.map(({ tokens }) => tokens)).toEqual([
      [1, 4],
      [1, 5],
    ]);
    drafts.drafts.forEach(({ tokens, score }) => {
      expect(score).toBeCloseTo(p[tokens[0]!]! + q[tokens[1]!]!, 4);
    });
  });

  test('what the text says shows which token continues which draft', () => {
    // 1 is followed by 3 here, 2 by 4; the model, which reads 1 and 2 as one, can't tell.
    const text = [1, 3, 5, 2, 4, 5, 1, 3, 6, 2, 4, 6, 1, 3, 5, 2, 4, 7];
    const drafts = over(text, 2, 0.5);
    drafts.extend(logits({ 1: 1, 2: 1 }));
    drafts.extend(logits({ 3: 1, 4: 1 }));
    expect(drafts.drafts.map(({ tokens }) => tokens.join()).sort()).toEqual(['1,3', '2,4']);
  });

  test('a score is (1 − α)·log p + α·log P, what the blend leaves to none going by p', () => {
    const text = [1, 3, 5, 1, 3, 6, 1];
    const word = logits({ 3: 0.5, 4: 1, 2: 0 });
    const { stores, mixer } = new TurnDrafter();
    for (const store of stores) store.begin(Int32Array.from(text), []);
    const alpha = 0.3;
    const options = { drafts: 8, alpha, endIds: new Set<number>(), heard: null };
    const drafts = new SuperposedDrafts(stores, mixer, 1, options);
    drafts.extend(word);
    const { candidates, probs } = mixer;
    const p = logSoftmax(word);
    const named = [...candidates.token.subarray(0, candidates.size)];
    expect(named).toContain(3);
    expect(named).not.toContain(4);
    for (const { tokens, score } of drafts.drafts) {
      const [token] = tokens as [number];
      const at = named.indexOf(token);
      const blended = (at < 0 ? 0 : probs[at]!) + probs[candidates.size]! * Math.exp(p[token]!);
      expect(score).toBeCloseTo((1 - alpha) * p[token]! + alpha * Math.log(blended), 3);
    }
  });

  test('no draft begins with an end; one that has ended stays, and is read no more', () => {
    const drafts = over([7, 8], 2, 0);
    drafts.extend(logits({ [END]: 5, 1: 1, 2: 0 }));
    expect(drafts.drafts.map(({ tokens }) => tokens)).toEqual([[1], [2]]);
    drafts.extend(logits({ [END]: 5, 3: 0 }));
    expect(drafts.drafts.map(({ tokens, ended }) => [tokens, ended])).toEqual([
      [[1, END], true],
      [[2, END], true],
    ]);
    expect(drafts.input).toBeNull();
  });

  test('whatever is said: at most so many, distinct, best first, weights by their shares', () => {
    const word = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), {
      minLength: 10,
      maxLength: 10,
    });
    fc.assert(
      fc.property(
        fc.array(fc.nat(9), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: MAX_DRAFTS }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(word, { minLength: 1, maxLength: 8 }),
        (text, count, alpha, words) => {
          const drafts = over(text, count, alpha);
          for (const values of words) {
            if (drafts.input) drafts.extend(Float32Array.from(values));
          }
          const scores = drafts.drafts.map(({ score }) => score);
          expect(scores.length).toBeLessThanOrEqual(count);
          expect(scores).toEqual([...scores].sort((a, b) => b - a));
          const texts = drafts.drafts.map(({ tokens }) => tokens.join());
          expect(new Set(texts).size).toBe(texts.length);
          const { input } = drafts;
          if (!input) return;
          const live = drafts.drafts.filter(({ ended }) => !ended);
          expect(input.tokens).toEqual(live.map(({ tokens }) => tokens.at(-1)));
          const weights = Array.from(input.weights);
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1);
          live.forEach(({ score }, i) => {
            const share = Math.exp(score - live[0]!.score);
            expect(weights[i]! / weights[0]!).toBeCloseTo(share, 5);
          });
        },
      ),
      { numRuns: 200, seed: 20_261_125 },
    );
  });

  test('none, and more than there is room for, are refused', () => {
    for (const count of [0, MAX_DRAFTS + 1]) {
      expect(() => over([1], count, 0)).toThrow(`1 to ${MAX_DRAFTS} drafts, not ${count}`);
    }
  });
});

describe('in the graph', () => {
  const TEXT = Int32Array.from({ length: 90 }, (_, i) => 300 + ((i * 37) % 900));
  let model: EdgeModel;
  beforeAll(async () => {
    ort.env.wasm.numThreads = 1;
    const read = (name: string) => readFileSync(join(ROOT, 'models/draft', name));
    const session = await ort.InferenceSession.create(read('edge.onnx'));
    model = { facts: JSON.parse(read('edge.json').toString()), session, Tensor: ort.Tensor };
  });

  /** Logits after the text and one place more. */
  async function wordAfter(input: Parameters<EdgeReader['read']>[0]): Promise<Float32Array> {
    const reader = new EdgeReader(model, TEXT.length + 1);
    await reader.readText(TEXT);
    return reader.read(input);
  }

  test('one token that weighs everything is that token, to the bit, others beside it or not', async () => {
    const plain = await wordAfter(500);
    expect(await wordAfter({ tokens: [500], weights: [1] })).toEqual(plain);
    expect(await wordAfter({ tokens: [500, 77, 3], weights: [1, 0, 0] })).toEqual(plain);
    expect(await wordAfter(501)).not.toEqual(plain);
  });

  test('weights are what counts: halves of a token are the token, halves of two are neither', async () => {
    const [one, two] = [await wordAfter(500), await wordAfter(501)];
    expect(await wordAfter({ tokens: [500, 500], weights: [0.5, 0.5] })).toEqual(one);
    const both = await wordAfter({ tokens: [500, 501], weights: [0.5, 0.5] });
    for (const alone of [one, two]) expect(maxDifference(both, alone)).toBeGreaterThan(0.1);
    const mostly = await wordAfter({ tokens: [500, 501], weights: [0.99, 0.01] });
    expect(maxDifference(mostly, one)).toBeLessThan(maxDifference(both, one));
  });

  test('one draft without the blend is what the model says greedily, in a pass a token', async () => {
    const greedy = new EdgeReader(model, TEXT.length + 10);
    const superposed = new EdgeReader(model, TEXT.length + 10);
    const options = { drafts: 1, alpha: 0, endIds: new Set<number>(), heard: null };
    const drafts = new SuperposedDrafts([], new Mixer(1), TEXT.at(-1)!, options);
    const said: number[] = [];
    let word = await greedy.readText(TEXT);
    drafts.extend(await superposed.readText(TEXT));
    for (let i = 1; i < 8; i++) {
      said.push(argmax(word));
      word = await greedy.read(said.at(-1)!);
      drafts.extend(await superposed.read(drafts.input!));
    }
    expect(drafts.drafts[0]!.tokens.slice(0, -1)).toEqual(said);
    expect(superposed.passes).toBe(greedy.passes);
    expect(superposed.passes).toBe(2 + 7);
  });

  test('a reader that is full says so', async () => {
    const reader = new EdgeReader(model, 3);
    await reader.readText(TEXT.subarray(0, 3));
    expect(() => reader.read(500)).toThrow('the cache is full');
  });
});

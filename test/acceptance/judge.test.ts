/** The judge: what it is fitted to, what it is mined from, and the file that it is kept in. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Fact, facts, isRight } from '../../bin/judge/facts.ts';
import { aucOf, fitJudge, type Label } from '../../bin/judge/fit.ts';
import { mineLabels } from '../../bin/judge/mine.ts';
import { judged } from '../../gpu-backend/accept/lossy/judge.ts';
import { readJudge } from '../../gpu-backend/accept/lossy/judge-file.ts';
import { readNeighbours } from '../../gpu-backend/accept/lossy/neighbour-table.ts';
import type { Engine, StepRow } from '../../gpu-backend/engine/engine.ts';
import { Noise } from '../../src/draft/noise.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-judge-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a head that is fitted tells good from bad, on labels that it has not seen', () => {
  const noise = new Noise([5, 5]);
  const label = (i: number): Label => {
    noise.at(i);
    const hidden = Float32Array.from({ length: 8 }, (_, at) => noise.gumbel(at) * (at + 1));
    return { hidden, good: hidden[2]! / 3 - hidden[5]! / 6 + noise.gumbel(9) / 4 > 0 };
  };
  const { weights, bias } = fitJudge(Array.from({ length: 400 }, (_, i) => label(i)));
  const head = { weights: Float32Array.from(weights), bias, threshold: 0.5 };
  const unseen = Array.from({ length: 200 }, (_, i) => label(1000 + i));
  const scores = unseen.map(({ hidden }) => judged(head, hidden));
  const good = unseen.map((one) => one.good);
  expect(aucOf(scores, good)).toBeGreaterThan(0.9);
  expect(
    aucOf(
      scores.map((score) => -score),
      good,
    ),
  ).toBeLessThan(0.1);
  expect(() => fitJudge([])).toThrow('no labels');
});

test('questions have one answer, and others of another seed', () => {
  expect(facts(5, 1)).toEqual(facts(5, 1));
  expect(facts(20, 1)).not.toEqual(facts(20, 2));
  for (const fact of facts(40, 3)) {
    expect(fact.prompt).toContain(fact.answer);
    expect(isRight(`It is ${fact.answer}.`, fact)).toBe(true);
    expect(isRight('I do not know.', fact)).toBe(false);
  }
});

describe('labels', () => {
  /** After 0 comes 1, after 1 comes 2, after 2 the end; after 3, the second choice everywhere, the end. */
  const NEXT = [1, 2, 4, 4, 4, 4];
  const engine = {
    limits: { prefillRows: 8 },
    acquire: (prompt: Int32Array) => ({ length: 0, cached: prompt.length - 1, capacity: 99 }),
    release: () => {},
    commit: () => {},
    step: async ([row]: StepRow[]) => {
      const last = row!.tokens[row!.count - 1]!;
      row!.topIds = Int32Array.of(NEXT[last]!, 3);
      row!.hidden = Float32Array.of(last);
    },
  } as unknown as Engine;
  const plan = (fact: Fact, prompt = [0]) => ({
    questions: [{ fact, prompt: Int32Array.from(prompt) }],
    tokens: 6,
    stopIds: new Set([4]),
    decode: (tokens: readonly number[]) => tokens.map((token) => `t${token}`).join(' '),
  });

  test('are what the answer says from another token on', async () => {
    const [labels] = await mineLabels(engine, plan({ prompt: '', answer: 't1' }));
    // The first place loses the answer, the second comes after it.
    expect(labels!.map(({ good }) => good)).toEqual([false, true]);
    expect(labels!.map(({ hidden }) => [...hidden])).toEqual([[3], [3]]);
  });

  test('are of what followed a token before, too', async () => {
    const [labels] = await mineLabels(engine, plan({ prompt: '', answer: 't1' }, [1, 5, 0]));
    expect(labels!.map(({ hidden }) => [...hidden])).toEqual([[3], [3], [5]]);
    expect(labels!.map(({ good }) => good)).toEqual([false, true, true]);
  });

  test('come from right answers only', async () => {
    expect(await mineLabels(engine, plan({ prompt: '', answer: 't9' }))).toEqual([[]]);
  });
});

describe('files beside a model', () => {
  test('a judge of another width is refused', () => {
    expect(readJudge(folder, 2)).toBeUndefined();
    writeFileSync(
      join(folder, 'judge.json'),
      JSON.stringify({ weights: [1, 2], bias: 0, threshold: 0.5 }),
    );
    expect(readJudge(folder, 2)!.weights).toEqual(Float32Array.of(1, 2));
    expect(() => readJudge(folder, 3)).toThrow('3 weights');
  });

  test('neighbours of another vocabulary are refused', () => {
    expect(readNeighbours(folder, 2)).toBeUndefined();
    writeFileSync(join(folder, 'neighbours.bin'), new Uint8Array(4 * 16 * 2).fill(1));
    expect(readNeighbours(folder, 2)!.of(1)).toHaveLength(16);
    expect(() => readNeighbours(folder, 3)).toThrow('espalier model neighbours');
  });
});

/** T in its Durable Object, by RPC in the real runtime: said, kept, evicted, mended, in so many pieces. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildSegment } from '../../src/draft/segment/segment-builder.ts';
import { OUTPUT_START } from '../../src/draft/stores/output-start.ts';
import { MAX_RUN_TOKENS, rangeOfRun } from '../../src/memory/objects/match.ts';
import {
  changesBetween,
  freshState,
  WORKER_STORES,
} from '../../src/memory/objects/mixer-weights.ts';
import {
  MAX_OUTPUT_TOKENS,
  MAX_RECALLED,
  MAX_VALUE_BYTES,
  OUTPUT_LIMITS,
  RECALL_TOKENS,
} from '../../src/memory/objects/output-limits.ts';
import type { KeptRun, Recalled } from '../../src/store/objects/memory.ts';
import { askObjects, type Objects } from './rpc.ts';
import { newMemory, output } from './tenant-outputs.ts';

let objects: Objects;
beforeAll(async () => {
  objects = await askObjects();
});

describe('what is said', () => {
  test('an output is recalled whole, the ones from the same passages first, then the latest', async () => {
    const memory = await newMemory(objects, 3);
    await memory.learn(output(1), { of: [1] });
    await memory.learn(output(2), { of: [1, 2] });
    await memory.learn(output(3), { of: [3] });
    expect(await memory.recall(2, 1)).toEqual([output(2), output(1), output(3)]);
    expect(await memory.recall()).toEqual([output(3), output(2), output(1)]);
  });

  test('an output said again is fresh, and takes no more room', async () => {
    const memory = await newMemory(objects);
    await memory.learn(output(1));
    await memory.learn(output(2));
    const before = await memory.shape();
    await memory.learn(output(1));
    expect(await memory.recall()).toEqual([output(1), output(2)]);
    expect(await memory.shape()).toEqual(before);
  });

  test('the end of an answer finds how it went on, young or in a segment, its beginning included', async () => {
    const memory = await newMemory(objects);
    await memory.learn([5, 6, 7, 8, 1, 2]);
    for (let n = 10; n < 16; n++) await memory.learn(output(n));
    await memory.settle();
    await memory.learn([6, 7, 8, 9, 3, 4]);
    expect((await memory.shape()).segments).toBeGreaterThan(0);
    expect(await memory.proceed([5, 6, 7, 8])).toEqual([
      [5, 6, 7, 8, 1, 2],
      [6, 7, 8, 9, 3, 4],
    ]);
    expect(await memory.proceed([OUTPUT_START, 6, 7])).toEqual([
      [6, 7, 8, 9, 3, 4],
      [5, 6, 7, 8, 1, 2],
    ]);
    expect(await memory.proceed([8])).toEqual([]);
    expect(await memory.proceed([1001, 1002, 1003])).toEqual([output(10)]);
  });

  test('what the turn has already is not sent again', async () => {
    const memory = await newMemory(objects);
    await memory.learn(output(1));
    const [run] = await memory.call<KeptRun[]>(
      'proceed',
      memory.id,
      Int32Array.of(101, 102, 103),
      [],
    );
    expect(await memory.proceed([101, 102, 103], [rangeOfRun(run!)])).toEqual([]);
  });

  test('every run that any tail finds is an output, and holds the end that found it', async () => {
    const memory = await newMemory(objects);
    const small = fc.array(fc.nat(3), { minLength: 8, maxLength: 30 });
    const outputs = fc.sample(small, { numRuns: 25, seed: 7 });
    for (const tokens of outputs) await memory.learn(tokens);
    const tails = fc.sample(fc.array(fc.nat(3), { minLength: 2, maxLength: 15 }), {
      numRuns: 20,
      seed: 8,
    });
    let told = 0;
    for (const tail of tails) {
      const found = await memory.proceed(tail);
      expect(found.length).toBeLessThanOrEqual(4);
      told += found.length;
      for (const tokens of found) {
        expect(outputs.map(String)).toContain(String(tokens));
        expect(`,${tokens},`).toContain(`,${tail.slice(-2)},`);
      }
    }
    expect(told).toBeGreaterThan(20);
  });
});

describe('what is kept', () => {
  test('outputs, segments and the mixer outlive the object', async () => {
    const memory = await newMemory(objects, 1);
    for (let n = 1; n <= 9; n++) await memory.learn(output(n), { of: [1] });
    const taught = freshState();
    taught.weights[3] = 0.5;
    taught.energy[3]! += 2;
    await memory.call('learn', memory.id, {
      output: {
        tokens: Int32Array.from(output(9)),
        hash: output(9).join(),
        passages: [],
        quotes: [],
      },
      mixer: changesBetween(freshState(), taught),
    });
    await memory.call('settle');
    const [before, said] = [await memory.shape(), await memory.recall(1)];
    await memory.restart();
    expect(await memory.recall(1)).toEqual(said);
    expect(await memory.shape()).toEqual(before);
    const { mixer } = await memory.call<Recalled>('recall', memory.id, [], WORKER_STORES);
    expect(mixer!.weights[3]).toBe(0.5);
    expect(mixer!.energy[3]).toBe(taught.energy[3]);
  });

  test('beyond its tokens the oldest segment goes, whole, and what it held is not said again', async () => {
    const memory = await newMemory(objects);
    for (let n = 1; n <= 60; n++) {
      await memory.learn(output(n));
      await memory.settle();
      expect((await memory.shape()).tokens).toBeLessThanOrEqual(1024 + 128);
    }
    const shape = await memory.shape();
    expect(shape.outputs).toBeLessThan(30);
    expect(shape.segments).toBeLessThan(6);
    expect(await memory.proceed(output(1).slice(0, 15))).toEqual([]);
    expect(await memory.proceed(output(60).slice(0, 15))).toEqual([output(60)]);
  });

  test.each(['flipped', 'cut', 'empty', 'foreign', 'of an earlier version'])(
    'a segment that is %s is refused, and built again from its outputs',
    async (how) => {
      const memory = await newMemory(objects);
      for (let n = 1; n <= 9; n++) await memory.learn(output(n));
      await memory.settle();
      const before = await memory.shape();
      await memory.call('damage', how);
      await memory.restart();
      expect((await memory.shape()).damaged).toBe(before.segments);
      await memory.settle();
      expect(await memory.proceed([101, 102, 103])).toEqual([output(1)]);
      await memory.restart();
      expect(await memory.shape()).toEqual(before);
    },
  );

  test('a segment that is gone is built again', async () => {
    const memory = await newMemory(objects);
    for (let n = 1; n <= 9; n++) await memory.learn(output(n));
    await memory.settle();
    await memory.call('loseSegments');
    await memory.restart();
    // By the alarm, which being asked sets.
    expect(await memory.proceed([101, 102, 103])).toEqual([]);
    await expect
      .poll(() => memory.proceed([101, 102, 103]), { timeout: 10_000 })
      .toEqual([output(1)]);
  });
});

test('a turn is given so many outputs and tokens, and of one output no more than a run', async () => {
  const memory = await newMemory(objects, 0, 'FULL_TENANT_MEMORY');
  const long = (n: number, length: number) => Array.from({ length }, (_, i) => 10_000 * n + i);
  for (let n = 1; n <= MAX_RECALLED + 4; n++) await memory.learn(output(n));
  expect(await memory.recall()).toHaveLength(MAX_RECALLED);
  for (let n = 1; n <= 12; n++) await memory.learn(long(n, MAX_RUN_TOKENS));
  expect((await memory.recall()).flat()).toHaveLength(RECALL_TOKENS);
  await memory.learn(long(20, MAX_OUTPUT_TOKENS + 10));
  expect((await memory.recall())[0]).toEqual(long(20, MAX_RUN_TOKENS));
  const end = long(20, MAX_OUTPUT_TOKENS);
  expect(await memory.proceed(end.slice(-10, -5))).toEqual([end.slice(-20)]);
  const beyond = long(20, MAX_OUTPUT_TOKENS + 10).slice(-8, -3);
  expect(await memory.proceed(beyond)).toEqual([]);
});

test('a long output said again is given to its end, piece by piece', async () => {
  const memory = await newMemory(objects, 0, 'FULL_TENANT_MEMORY');
  const long = Array.from({ length: 2000 }, (_, i) => 30_000 + i);
  await memory.learn(long);
  const { runs } = await memory.call<Recalled>('recall', memory.id, [], false);
  const held = runs.map(rangeOfRun);
  const said = [...runs[0]!.tokens];
  while (said.length < long.length) {
    const tail = Int32Array.from(said.slice(-15));
    const [run] = await memory.call<KeptRun[]>('proceed', memory.id, tail, held);
    held.push(rangeOfRun(run!));
    said.push(...run!.tokens.slice(said.length - run!.from));
  }
  expect(said).toEqual(long);
  expect(held.length).toBeLessThan(6);
});

test('no segment is too large for the object to keep, not even one in which every token is another', () => {
  const { segmentTokens } = OUTPUT_LIMITS;
  // Spread over three bytes, one text each 40 tokens.
  const token = (i: number) => (i * 65_537) % 16_777_213;
  const texts = Array.from({ length: segmentTokens / 40 }, (_, n) =>
    Int32Array.from({ length: 40 }, (_, i) => token(40 * n + i)),
  );
  expect(buildSegment(texts).byteLength).toBeLessThan(MAX_VALUE_BYTES);
});

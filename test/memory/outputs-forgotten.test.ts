/** T in its Durable Object: what was deleted is forgotten, no tenant hears another's, and the mixers are kept apart. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  changesBetween,
  freshState,
  STORES_WITH_MODEL,
  WORKER_STORES,
} from '../../src/memory/objects/mixer-weights.ts';
import type { Recalled } from '../../src/store/objects/memory.ts';
import { askObjects, type Objects } from './rpc.ts';
import { newMemory, output } from './tenant-outputs.ts';

let objects: Objects;
beforeAll(async () => {
  objects = await askObjects();
});

describe('what is forgotten', () => {
  test('with a passage every output that was written from it, young or in a segment', async () => {
    const memory = await newMemory(objects, 2);
    for (let n = 1; n <= 9; n++) await memory.learn(output(n), { of: [n % 2 === 0 ? 2 : 1, 2] });
    await memory.settle();
    await memory.learn(output(10), { of: [1] });
    await memory.learn(output(11), { of: [2] });
    await memory.deletePassage(1);
    const left = await memory.recall(2);
    expect(left.sort()).toEqual([2, 4, 6, 8, 11].map(output).sort());
    for (const n of [1, 3, 5, 7, 9, 10]) {
      expect(await memory.proceed(output(n).slice(0, 15))).toEqual([]);
    }
    expect(await memory.proceed(output(8).slice(0, 15))).toEqual([output(8)]);
    await memory.settle();
    expect(await memory.shape()).toMatchObject({ outputs: 5, passages: 5 });
    expect(await memory.proceed(output(8).slice(0, 15))).toEqual([output(8)]);
  });

  test('a deletion while the object sleeps', async () => {
    const memory = await newMemory(objects, 1);
    await memory.learn(output(1), { of: [1] });
    await memory.restart();
    await memory.deletePassage(1);
    expect(await memory.recall(1)).toEqual([]);
    expect(await memory.shape()).toMatchObject({ outputs: 0, passages: 0 });
  });

  test('an answer that was under way when its passage was deleted', async () => {
    const memory = await newMemory(objects, 2);
    await memory.learn(output(1), { of: [2] });
    await memory.deletePassage(1);
    expect(await memory.recall(1)).toEqual([output(1)]);
    await memory.learn(output(2), { of: [1, 2] });
    expect(await memory.recall(1)).toEqual([output(1)]);
  });

  test('an answer that goes on from one that is forgotten, or that nobody knows', async () => {
    const memory = await newMemory(objects, 2);
    await memory.learn(output(1), { hash: 'first', of: [1] });
    await memory.learn(output(2), { hash: 'second', of: [2], quotes: ['first'] });
    await memory.learn(output(3), { hash: 'third', of: [2], quotes: ['never said'] });
    expect((await memory.recall()).sort()).toEqual([output(1), output(2)].sort());
    await memory.deletePassage(1);
    expect(await memory.recall()).toEqual([]);
    await memory.learn(output(4), { of: [2], quotes: ['second'] });
    expect(await memory.recall()).toEqual([]);
  });

  test('an answer too short to draft from, with what goes on from it; until then it is known, and never said', async () => {
    const memory = await newMemory(objects, 2);
    await memory.learn([], { hash: 'yes', of: [1] });
    for (let n = 1; n <= 9; n++) await memory.learn(output(n), { of: [2] });
    await memory.settle();
    await memory.learn([], { hash: 'no', of: [1] });
    await memory.restart();
    for (const short of ['yes', 'no']) {
      await memory.learn(output(short.length + 8), { hash: `${short}, and`, quotes: [short] });
    }
    const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(output).sort();
    expect((await memory.recall(1)).sort()).toEqual(all);
    await memory.deletePassage(1);
    expect((await memory.recall(1)).sort()).toEqual(all.filter(([first]) => first! < 1000));
    await memory.learn(output(12), { quotes: ['yes'] });
    await memory.learn(output(13), { quotes: ['no'] });
    expect((await memory.recall()).length).toBe(9);
  });

  test('with its tenant all that the object has', async () => {
    const memory = await newMemory(objects);
    await memory.learn(output(1));
    await objects.sql(`DELETE FROM tenants WHERE id = ${memory.id}`);
    expect(await memory.recall()).toEqual([]);
    expect(await memory.proceed([101, 102, 103])).toEqual([]);
    await memory.learn(output(2));
    expect(await memory.recall()).toEqual([]);
    expect(await memory.call('tables')).toEqual([]);
  });
});

test('deletions are counted, and new documents are none', async () => {
  const { id } = await newMemory(objects);
  const purges = async () =>
    (await objects.sql<{ purges: number }>(`SELECT purges FROM tenants WHERE id = ${id}`))[0]!
      .purges;
  await objects.write(id, 'pears');
  await objects.write(id, 'plums');
  expect(await purges()).toBe(0);
  // No store holds them.
  await objects.purge(id);
  expect(await purges()).toBe(1);
});

describe('whose it is', () => {
  test('no object says what another one received', async () => {
    const [ann, bob] = [await newMemory(objects), await newMemory(objects)];
    await ann.learn(output(1));
    expect(await bob.recall()).toEqual([]);
    expect(await bob.proceed([101, 102, 103])).toEqual([]);
  });

  test('an object says nothing to another tenant, even by its name', async () => {
    const [ann, bob] = [await newMemory(objects), await newMemory(objects)];
    await ann.learn(output(1));
    await expect(ann.call('recall', bob.id, [], WORKER_STORES)).rejects.toThrow(
      /was asked for tenant/,
    );
    await expect(ann.call('proceed', bob.id, Int32Array.of(101, 102, 103), [])).rejects.toThrow(
      /was asked for tenant/,
    );
    await ann.restart();
    await expect(ann.call('recall', bob.id, [], WORKER_STORES)).rejects.toThrow(
      /was asked for tenant/,
    );
  });
});

test('changes to the mixer add up, and what makes no sense is left out', async () => {
  const memory = await newMemory(objects);
  const taught = freshState();
  taught.weights[5] = 0.25;
  taught.energy[5]! += 1;
  const change = changesBetween(freshState(), taught);
  const told = (mixer: object) =>
    memory.call('learn', memory.id, {
      output: { tokens: Int32Array.from(output(1)), hash: 'x', passages: [], quotes: [] },
      mixer,
    });
  await told(change);
  await told(change);
  await told({ ...change, size: change.size + 1 });
  await told({ ...change, weights: Float32Array.of(Number.NaN) });
  await told({ ...change, energy: Float32Array.of(-100) });
  const { mixer } = await memory.call<Recalled>('recall', memory.id, [], WORKER_STORES);
  expect(mixer!.weights[5]).toBe(0.5);
  expect(mixer!.energy[5]).toBeCloseTo(freshState().energy[5]! + 2);
});

test('mixers of two layouts are kept apart, and those of any other not at all', async () => {
  const memory = await newMemory(objects);
  const [plain, withModel] = [WORKER_STORES, STORES_WITH_MODEL].map((stores) => {
    const taught = freshState(stores);
    taught.weights[5] = stores;
    return changesBetween(freshState(stores), taught, stores);
  });
  for (const mixer of [plain!, withModel!, { ...plain!, stores: 99 }, null]) {
    await memory.call('learn', memory.id, {
      output: { tokens: Int32Array.from(output(1)), hash: 'x', passages: [], quotes: [] },
      mixer,
    });
  }
  await memory.call('settle');
  await memory.restart();
  const kept = async (stores: number) =>
    (await memory.call<Recalled>('recall', memory.id, [], stores)).mixer;
  expect((await kept(WORKER_STORES))!.weights[5]).toBe(WORKER_STORES);
  expect((await kept(STORES_WITH_MODEL))!.weights[5]).toBe(STORES_WITH_MODEL);
  expect(await kept(99)).toBeNull();
});

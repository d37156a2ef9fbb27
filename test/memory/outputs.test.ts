/** T in its Durable Object, by RPC in the real runtime: kept, evicted, mended, forgotten, never another tenant's. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildSegment } from '../../src/draft/segment/segment-builder.ts';
import { OUTPUT_START } from '../../src/draft/stores/output-start.ts';
import { MAX_RUN_TOKENS, rangeOfRun } from '../../src/memory/objects/match.ts';
import {
  changesBetween,
  freshState,
  STORES_WITH_MODEL,
  WORKER_STORES,
} from '../../src/memory/objects/mixer-weights.ts';
import {
  MAX_OUTPUT_TOKENS,
  MAX_RECALLED,
  MAX_VALUE_BYTES,
  OUTPUT_LIMITS,
  RECALL_TOKENS,
} from '../../src/memory/objects/output-limits.ts';
import type { KeptRange, KeptRun, Recalled } from '../../src/store/objects/memory.ts';
import { type Objects, startObjects } from './rpc.ts';

let objects: Objects;
let nextTenant = 1;

beforeAll(async () => {
  objects = await startObjects();
});
afterAll(() => objects.worker.close());

interface Shape {
  tokens: number;
  damaged: number;
  segments: number;
  bytes: number;
  outputs: number;
  passages: number;
  rows: number;
}

/** A tenant of its own with passages 1 to `passages` of its numbering in D1, and its object. */
async function newMemory(passages = 0, binding = 'TENANT_MEMORY') {
  const id = nextTenant++;
  await objects.sql(`INSERT INTO tenants (id, name) VALUES (${id}, 'tenant ${id}')`);
  const passage = (n: number) => 1000 * id + n;
  for (let n = 1; n <= passages; n++) {
    await objects.sql(
      `INSERT INTO documents (id, tenant_id, key, complete) VALUES (${passage(n)}, ${id}, 'k${n}', 1)`,
    );
    await objects.sql(
      `INSERT INTO chunks (id, document_id, title, heading, text, start, "end")
       VALUES (${passage(n)}, ${passage(n)}, '', '', '', 0, 0)`,
    );
  }
  const call = <T>(method: string, ...args: unknown[]) =>
    objects.call<T>(binding, `namespace ${id}`, method, ...args);
  return {
    id,
    passage,
    call,
    async learn(
      tokens: number[],
      { hash = tokens.join(), of = [] as number[], quotes = [] as string[] } = {},
    ) {
      const output = { tokens: Int32Array.from(tokens), hash, passages: of.map(passage), quotes };
      const mixer = changesBetween(freshState(), freshState());
      await call('learn', id, { output, mixer });
    },
    async recall(...of: number[]) {
      const { runs } = await call<Recalled>('recall', id, of.map(passage), null);
      return runs.map(({ tokens }) => [...tokens]);
    },
    async proceed(tail: number[], held: KeptRange[] = []) {
      const runs = await call<KeptRun[]>('proceed', id, Int32Array.from(tail), held);
      return runs.map(({ tokens }) => [...tokens]);
    },
    /** As `purgeOrphans` does. */
    async deletePassage(n: number) {
      await objects.sql(`DELETE FROM chunks WHERE id = ${passage(n)}`);
      await objects.sql(`UPDATE tenants SET purges = purges + 1 WHERE id = ${id}`);
    },
    async restart() {
      await call('restart').catch(() => {});
    },
    /** Builds what the alarm would build soon. */
    settle: () => call('settle'),
    shape: () => call<Shape>('shape'),
  };
}

/** Distinct outputs of 40 tokens: the `n`-th counts from 100 n. */
const output = (n: number) => Array.from({ length: 40 }, (_, i) => 100 * n + i);

describe('what is said', () => {
  test('an output is recalled whole, the ones from the same passages first, then the latest', async () => {
    const memory = await newMemory(3);
    await memory.learn(output(1), { of: [1] });
    await memory.learn(output(2), { of: [1, 2] });
    await memory.learn(output(3), { of: [3] });
    expect(await memory.recall(2, 1)).toEqual([output(2), output(1), output(3)]);
    expect(await memory.recall()).toEqual([output(3), output(2), output(1)]);
  });

  test('an output said again is fresh, and takes no more room', async () => {
    const memory = await newMemory();
    await memory.learn(output(1));
    await memory.learn(output(2));
    const before = await memory.shape();
    await memory.learn(output(1));
    expect(await memory.recall()).toEqual([output(1), output(2)]);
    expect(await memory.shape()).toEqual(before);
  });

  test('the end of an answer finds how it went on, young or in a segment, its beginning included', async () => {
    const memory = await newMemory();
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
    const memory = await newMemory();
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
    const memory = await newMemory();
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
    const memory = await newMemory(1);
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
    const memory = await newMemory();
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
      const memory = await newMemory();
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
    const memory = await newMemory();
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

describe('what is forgotten', () => {
  test('with a passage every output that was written from it, young or in a segment', async () => {
    const memory = await newMemory(2);
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
    const memory = await newMemory(1);
    await memory.learn(output(1), { of: [1] });
    await memory.restart();
    await memory.deletePassage(1);
    expect(await memory.recall(1)).toEqual([]);
    expect(await memory.shape()).toMatchObject({ outputs: 0, passages: 0 });
  });

  test('an answer that was under way when its passage was deleted', async () => {
    const memory = await newMemory(2);
    await memory.learn(output(1), { of: [2] });
    await memory.deletePassage(1);
    expect(await memory.recall(1)).toEqual([output(1)]);
    await memory.learn(output(2), { of: [1, 2] });
    expect(await memory.recall(1)).toEqual([output(1)]);
  });

  test('an answer that goes on from one that is forgotten, or that nobody knows', async () => {
    const memory = await newMemory(2);
    await memory.learn(output(1), { hash: 'first', of: [1] });
    await memory.learn(output(2), { hash: 'second', of: [2], quotes: ['first'] });
    await memory.learn(output(3), { hash: 'third', of: [2], quotes: ['never said'] });
    expect((await memory.recall()).sort()).toEqual([output(1), output(2)].sort());
    await memory.deletePassage(1);
    expect(await memory.recall()).toEqual([]);
    await memory.learn(output(4), { of: [2], quotes: ['second'] });
    expect(await memory.recall()).toEqual([]);
  });

  test('with its tenant all that the object has', async () => {
    const memory = await newMemory();
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
  const { id } = await newMemory();
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
    const [ann, bob] = [await newMemory(), await newMemory()];
    await ann.learn(output(1));
    expect(await bob.recall()).toEqual([]);
    expect(await bob.proceed([101, 102, 103])).toEqual([]);
  });

  test('an object says nothing to another tenant, even by its name', async () => {
    const [ann, bob] = [await newMemory(), await newMemory()];
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
  const memory = await newMemory();
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
  const memory = await newMemory();
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

test('a turn is given so many outputs and tokens, and of one output no more than a run', async () => {
  const memory = await newMemory(0, 'FULL_TENANT_MEMORY');
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
  const memory = await newMemory(0, 'FULL_TENANT_MEMORY');
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

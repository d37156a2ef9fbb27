/** S in its Durable Objects, by RPC in the real runtime: built, sharded, kept, mended, hidden, never another tenant's. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Proceeded } from '../../src/store/objects/memory.ts';
import { askObjects, type Objects } from './rpc.ts';
import { newStore, POLL, passage, TOKENIZER } from './store-corpus.ts';

let objects: Objects;

beforeAll(async () => {
  objects = await askObjects();
});
afterEach(() => objects.bucket('empty'));

describe('what is built', () => {
  test('ingested passages are said where the end of an answer occurs in them', async () => {
    const store = await newStore(objects);
    await store.add(1, 2);
    await store.add(2, 1);
    await store.wake();
    await store.until(({ documents }) => documents === 2);
    const tail = passage(1, 1).slice(4, 10);
    expect(await store.proceed(tail)).toEqual([passage(1, 1)]);
    expect(await store.proceed(passage(2, 0).slice(0, 2))).toEqual([passage(2, 0)]);
    expect(await store.proceed(passage(2, 0).slice(0, 1))).toEqual([]);
    expect(await store.proceed(passage(1, 1).slice(-5))).toEqual([]);
    expect(await store.proceed([1, 2, 3, 4])).toEqual([]);
  });

  test('a question that comes before anything woke the object starts the building', async () => {
    const store = await newStore(objects);
    await store.add(1, 1);
    expect(await store.proceed(passage(1, 0).slice(0, 5))).toEqual([]);
    await store.until(({ documents }) => documents === 1);
    expect(await store.proceed(passage(1, 0).slice(0, 5))).toEqual([passage(1, 0)]);
  });

  test('what comes later joins, and few segments remain', async () => {
    const store = await newStore(objects);
    for (let document = 1; document <= 12; document++) {
      await store.add(document, 1);
      await store.wake();
      await store.until(({ documents }) => documents === document);
    }
    const { segments, tokens } = await store.status();
    expect(segments).toBeLessThanOrEqual(5);
    expect(tokens).toBe(12 * 31);
    expect(await objects.bucket('keys')).toHaveLength(segments);
    for (let document = 1; document <= 12; document++) {
      expect(await store.proceed(passage(document, 0).slice(5, 9))).toEqual([passage(document, 0)]);
    }
  });

  test('few segments remain where documents come and go', async () => {
    const store = await newStore(objects);
    for (let document = 1; document <= 6; document++) await store.add(document, 1);
    await store.wake();
    await store.until(({ documents }) => documents === 6);
    for (let round = 1; round <= 5; round++) {
      await store.add(6 + round, 1);
      await store.wake();
      await store.until(({ documents }) => documents === 7);
      await store.remove(round);
      await store.wake();
      await store.until(({ documents, tokens }) => documents === 6 && tokens === 6 * 31);
    }
    expect((await store.status()).segments).toBeLessThanOrEqual(2);
    for (const document of [6, 7, 11]) {
      expect(await store.proceed(passage(document, 0).slice(5, 9))).toEqual([passage(document, 0)]);
    }
  });

  test('passages of another tokenizer are not in it', async () => {
    const store = await newStore(objects);
    await store.add(1, 1, 'e'.repeat(64));
    await store.add(2, 1);
    await store.wake();
    await store.until(({ documents }) => documents === 1);
    expect(await store.proceed(passage(1, 0).slice(0, 5))).toEqual([]);
  });

  test('beyond what a shard holds the store goes on in the next ones', async () => {
    const store = await newStore(objects);
    for (let document = 1; document <= 12; document++) await store.add(document, 5);
    await store.wake();
    const settled = async (documents: number, shards: number) => {
      for (let shard = 0; shard < shards - 1; shard++) {
        await store.until(({ more, progress }) => more && progress === null, shard);
      }
      await store.until(({ more, progress }) => !more && progress === null, shards - 1);
      let sum = 0;
      for (let shard = 0; shard < 4; shard++) {
        const status = await store.status(shard);
        expect(status.tokens).toBeLessThanOrEqual(620);
        sum += status.documents;
      }
      return sum === documents;
    };
    await expect.poll(() => settled(12, 4), POLL).toBe(true);
    const found = [];
    for (const shard of [0, 1, 2, 3]) {
      found.push(...(await store.proceed(passage(11, 3).slice(0, 5), shard)));
    }
    expect(found).toEqual([passage(11, 3)]);
    // Room in the first ones: documents move up, and none is there twice.
    for (let document = 1; document <= 4; document++) await store.remove(document);
    await store.wake();
    await expect.poll(() => settled(8, 3), POLL).toBe(true);
  });
});

test('a shard of text that takes much room has fewer tokens', async () => {
  const store = await newStore(objects);
  await store.call(0, 'limitBytes', 5000);
  for (let document = 1; document <= 4; document++) await store.add(document, 5);
  await store.wake();
  await store.until(({ more, progress }) => more && progress === null);
  const { bytes, documents } = await store.status();
  expect(bytes).toBeLessThanOrEqual(5000);
  expect(documents).toBeGreaterThan(0);
  await store.until((next) => documents + next.documents === 4, 1);
});

describe('what is kept', () => {
  test('segments outlive the object', async () => {
    const store = await newStore(objects);
    await store.add(1, 3);
    await store.wake();
    const before = await store.until(({ documents }) => documents === 1);
    await store.restart();
    expect(await store.proceed(passage(1, 2).slice(0, 5))).toEqual([passage(1, 2)]);
    expect(await store.status()).toEqual(before);
  });

  test.each(['damage', 'empty'])(
    'after %s of its segments none is half-read, and they are built again',
    async (action) => {
      const store = await newStore(objects);
      await store.add(1, 3);
      await store.wake();
      await store.until(({ documents }) => documents === 1);
      await objects.bucket(action);
      await store.restart();
      expect(await store.proceed(passage(1, 2).slice(0, 5))).toEqual([]);
      await store.until(({ documents }) => documents === 1);
      expect(await store.proceed(passage(1, 2).slice(0, 5))).toEqual([passage(1, 2)]);
    },
  );
});

describe('what is forgotten', () => {
  test('a document that left the store is not said from then on, and soon gone from its segment', async () => {
    const store = await newStore(objects);
    for (const document of [1, 2]) await store.add(document, 2);
    await store.wake();
    await store.until(({ documents }) => documents === 2);
    await store.remove(1);
    expect(await store.proceed(passage(1, 0).slice(0, 5))).toEqual([]);
    expect(await store.proceed(passage(2, 0).slice(0, 5))).toEqual([passage(2, 0)]);
    await store.until(({ tokens }) => tokens === 2 * 31);
    expect(await store.proceed(passage(2, 1).slice(0, 5))).toEqual([passage(2, 1)]);
    await store.restart();
    expect(await store.proceed(passage(1, 0).slice(0, 5))).toEqual([]);
  });

  test('a document that left one segment while another one was built', async () => {
    const store = await newStore(objects);
    // Segments of 186 tokens: no two fit one.
    for (const document of [1, 2, 3]) await store.add(document, 6);
    await store.wake();
    await store.until(({ documents, segments }) => documents === 3 && segments === 3);
    await store.call(0, 'holdBuilds');
    for (const document of [1, 2]) await store.remove(document);
    await store.wake();
    await store.heldBuild();
    await store.remove(3);
    await store.call(0, 'releaseBuild');
    // Another segment is built anew before it is looked what else is missing.
    await store.heldBuild();
    expect(await store.proceed(passage(3, 0).slice(0, 5))).toEqual([]);
  });

  test('a document that left while the object slept', async () => {
    const store = await newStore(objects);
    await store.add(1, 1);
    await store.wake();
    await store.until(({ documents }) => documents === 1);
    await store.restart();
    await store.remove(1);
    expect(await store.proceed(passage(1, 0).slice(0, 5))).toEqual([]);
    await store.until(({ tokens }) => tokens === 0);
    expect(await objects.bucket('keys')).toEqual([]);
  });

  test.each(['store', 'tenant'])('with its %s everything, in all shards', async (what) => {
    const store = await newStore(objects);
    for (let document = 1; document <= 7; document++) await store.add(document, 5);
    await store.wake();
    await store.until(({ more }) => more);
    await store.until(({ documents }) => documents > 0, 1);
    await objects.sql(
      what === 'store'
        ? `DELETE FROM stores WHERE id = '${store.storeId}'`
        : `DELETE FROM tenants WHERE id = ${store.tenantId}`,
    );
    expect(await store.proceed(passage(1, 0).slice(0, 5))).toEqual([]);
    for (const shard of [0, 1]) await store.until(({ documents }) => documents === 0, shard);
    expect(await objects.bucket('keys')).toEqual([]);
  });

  test('with a store that went while a segment was built, that segment', async () => {
    const store = await newStore(objects);
    await store.call(0, 'holdBuilds');
    await store.add(1, 1);
    await store.wake();
    await store.heldBuild();
    await objects.sql(`DELETE FROM stores WHERE id = '${store.storeId}'`);
    expect(await store.proceed([1, 2, 3])).toEqual([]);
    await store.call(0, 'releaseBuild');
    await store.call(0, 'settle');
    expect(await objects.bucket('keys')).toEqual([]);
  });

  test('an expired store says nothing until it is wanted again', async () => {
    const store = await newStore(objects);
    await store.add(1, 1);
    await store.wake();
    await store.until(({ documents }) => documents === 1);
    const expire = (days: string, at: string) =>
      objects.sql(
        `UPDATE stores SET expires_after_days = ${days}, last_active_at = ${at} WHERE id = '${store.storeId}'`,
      );
    await expire('1', 'unixepoch() - 90000');
    expect(await store.proceed(passage(1, 0).slice(0, 5))).toEqual([]);
    await expire('NULL', 'unixepoch()');
    expect(await store.proceed(passage(1, 0).slice(0, 5))).toEqual([passage(1, 0)]);
  });
});

describe('whose it is', () => {
  test('an object says nothing of its store to another tenant or for another store', async () => {
    const [ann, bob] = [await newStore(objects), await newStore(objects)];
    await ann.add(1, 1);
    await ann.wake();
    await ann.until(({ documents }) => documents === 1);
    const tail = Int32Array.from(passage(1, 0).slice(0, 5));
    for (const place of [
      { ...ann.placeOf(0), tenantId: bob.tenantId },
      { ...ann.placeOf(0), storeId: bob.storeId },
      bob.placeOf(0),
    ]) {
      await expect(ann.call(0, 'proceed', place, tail, [], true)).rejects.toThrow(/was asked for/);
    }
    expect(await bob.proceed([...tail])).toEqual([]);
  });

  test('a store that is another tenant’s has nothing in the asking tenant’s name', async () => {
    const [ann, bob] = [await newStore(objects), await newStore(objects)];
    await ann.add(1, 1);
    const place = { ...ann.placeOf(0), tenantId: bob.tenantId };
    const name = [bob.tenantId, ann.storeId, TOKENIZER, 0].join('/');
    const tail = Int32Array.from(passage(1, 0).slice(0, 5));
    await objects.call('STORE_CORPUS', name, 'wake', place);
    const { runs } = await objects.call<Proceeded>(
      'STORE_CORPUS',
      name,
      'proceed',
      place,
      tail,
      [],
      true,
    );
    expect(runs).toEqual([]);
  });
});

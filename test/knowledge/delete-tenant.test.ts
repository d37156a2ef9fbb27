/** A tenant that is deleted is gone at once; its text goes in slices, also after a crash in the middle. */
import { beforeEach, expect, test } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { deleteTenant, eraseTenant } from '../../src/store/delete-tenant.ts';
import { writeDocuments } from '../../src/store/documents.ts';
import { ensurePassageIndex, forgetPassageIndex, purgesOf } from '../../src/store/tenants.ts';
import { MemoryD1 } from '../support/d1-in-memory.ts';

const PASSAGES = 1_000;
/** Rows that D1 may write in one transaction while the passages go: 128 of them, with tokens and vectors. */
const MOST_ROWS = 400;
const ANN = { id: 1, name: 'ann' };
const BOB = { id: 2, name: 'bob' };

let d1: MemoryD1;
let objects: Set<string>;
let woken: number[];
let env: Bindings;

beforeEach(async () => {
  d1 = new MemoryD1();
  objects = new Set();
  woken = [];
  env = {
    DB: d1.binding,
    FILES: {
      list: async ({ prefix }: { prefix: string }) => ({
        objects: [...objects].filter((key) => key.startsWith(prefix)).map((key) => ({ key })),
        truncated: false,
      }),
      delete: async (keys: string[]) => keys.forEach((key) => void objects.delete(key)),
    },
    INGESTOR: {
      idFromName: (name: string) => name,
      get: () => ({ wake: async (tenantId: number) => void woken.push(tenantId) }),
    },
  } as unknown as Bindings;
  for (const { id, name } of [ANN, BOB]) {
    d1.rows('INSERT INTO tenants (id, name) VALUES (?, ?)', [id, name]);
    d1.rows(
      "INSERT INTO api_keys (tenant_id, name, hash, start, scopes, requests_per_minute, concurrency) VALUES (?, '', ?, '', '[]', 1, 1)",
      [id, name],
    );
    d1.rows("INSERT INTO stores (id, tenant_id, name) VALUES (?, ?, '')", [`vs_${name}`, id]);
    objects.add(`tenants/${id}/files/f`);
    await write(id);
  }
  d1.changes.length = 0;
});

/** A document of many passages, in the tenant's store. */
async function write(tenantId: number): Promise<void> {
  forgetPassageIndex(tenantId);
  await ensurePassageIndex(env, tenantId);
  const passages = Array.from({ length: PASSAGES }, (_, i) => ({
    ...{ title: 'Pears', heading: '', text: `pear number ${i}`, start: i, end: i + 1 },
    words: [null, null, null] as const,
    tokens: Int32Array.of(1, 2, i),
    vector: Uint8Array.of(1, 2, 3),
  }));
  const makers = { tokenizer: 'f'.repeat(64), embedder: 'e' };
  await writeDocuments(env, tenantId, makers, [{ key: 'k', passages, notice: null }], []);
}

/** Rows of each kind, and the word indexes. */
function left() {
  const tables = ['api_keys', 'stores', 'documents', 'chunks', 'chunk_tokens', 'chunk_vectors'];
  const count = (table: string) => d1.rows(`SELECT count(*) AS n FROM ${table}`)[0]!.n as number;
  const indexes = d1.rows("SELECT name FROM sqlite_master WHERE name GLOB 'words_[0-9]'");
  return {
    ...Object.fromEntries(tables.map((table) => [table, count(table)])),
    indexes: indexes.map(({ name }) => name),
    objects: [...objects],
  };
}

/** As if there had been Bob alone. */
const BOB_ALONE = {
  ...{ api_keys: 1, stores: 1, documents: 1 },
  ...{ chunks: PASSAGES, chunk_tokens: PASSAGES, chunk_vectors: PASSAGES },
  indexes: ['words_2'],
  objects: ['tenants/2/files/f'],
};

/** How many passages Bob's words find. */
function found(): unknown {
  return d1.rows("SELECT count(*) AS n FROM words_2 WHERE words_2 MATCH 'pear'")[0]!.n;
}

test('nothing of it is left, and nothing of another one is lost', async () => {
  await deleteTenant(env, ANN);
  expect(left()).toEqual(BOB_ALONE);
  expect(found()).toBe(PASSAGES);
  expect(await purgesOf(env, ANN.id)).toBeUndefined();
});

test('it goes in transactions that each write few rows', async () => {
  await deleteTenant(env, ANN);
  expect(d1.changes.length).toBeGreaterThan(PASSAGES / 128);
  // The first one drops the word index, which is pages and not rows to SQLite.
  const [, ...others] = d1.changes;
  expect(Math.max(...others)).toBeLessThanOrEqual(MOST_ROWS);
});

test('after the first transaction nothing of it is found, and its ingestor deletes what a crash left', async () => {
  let transactions = 0;
  d1.before = () => {
    if (transactions++ === 6) throw new Error('the process ends');
  };
  await expect(deleteTenant(env, ANN)).rejects.toThrow();
  d1.before = () => {};
  const { chunks, api_keys, stores, indexes } = left() as Record<string, unknown>;
  expect(chunks).toBeGreaterThan(PASSAGES);
  expect(chunks).toBeLessThan(2 * PASSAGES);
  expect({ api_keys, stores, indexes }).toEqual({ api_keys: 1, stores: 1, indexes: ['words_2'] });
  expect(woken).toEqual([ANN.id]);
  await eraseTenant(env, ANN.id);
  expect(left()).toEqual(BOB_ALONE);
});

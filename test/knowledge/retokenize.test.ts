/** Documents that were taken in for another model get the served one's token ids, in steps that may end anywhere. */
import { beforeEach, expect, test } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { retokenize } from '../../src/retrieve/retokenize.ts';
import { sizesOf } from '../../src/store/corpus-texts.ts';
import { writeDocuments } from '../../src/store/documents.ts';
import type { CorpusPlace } from '../../src/store/objects/memory.ts';
import { ensurePassageIndex, forgetPassageIndex } from '../../src/store/tenants.ts';
import { preparedFor } from '../../src/store/tokens.ts';
import { MemoryD1 } from '../support/d1-in-memory.ts';

const OLD = 'a'.repeat(64);
const NEW = 'b'.repeat(64);
const TENANT = 1;
/** More than a step takes. */
const PASSAGES = 300;

let d1: MemoryD1;
let env: Bindings;
let encoded: number;
beforeEach(async () => {
  d1 = new MemoryD1();
  env = { DB: d1.binding } as Bindings;
  encoded = 0;
  d1.rows("INSERT INTO tenants (id, name) VALUES (1, 'ann'), (2, 'bob')");
  forgetPassageIndex(TENANT);
  await ensurePassageIndex(env, TENANT);
  for (const [store, files] of Object.entries({ one: ['a', 'b'], two: ['b', 'c'], none: [] })) {
    d1.rows("INSERT INTO stores (id, tenant_id, name) VALUES (?, 1, '')", [store]);
    for (const file of files) {
      d1.rows('INSERT INTO store_files (store_id, file_id, tenant_id) VALUES (?, ?, 1)', [
        store,
        file,
      ]);
    }
  }
  await write('a', 1);
  await write('b', PASSAGES);
  await write('c', 1);
});

async function write(file: string, count: number): Promise<void> {
  const passages = Array.from({ length: count }, (_, i) => ({
    ...{ title: '', heading: '', text: `${file} ${i}`, start: i, end: i + 1 },
    words: [null, null, null] as const,
    tokens: Int32Array.of(1),
    vector: null,
  }));
  const stores = d1.rows('SELECT store_id FROM store_files WHERE file_id = ?', [file]);
  const holders = stores.map(({ store_id }) => ({
    storeId: String(store_id),
    fileId: file,
    key: file,
  }));
  const makers = { tokenizer: OLD, embedder: null };
  await writeDocuments(env, TENANT, makers, [{ key: file, passages, notice: null }], holders);
}

const model = {
  hash: NEW,
  encode(text: string) {
    encoded++;
    return Int32Array.of(2, text.length);
  },
};

/** Steps until nothing is left, or so many. Gives the stores that became whole, in order. */
async function prepare(most = Number.POSITIVE_INFINITY): Promise<string[]> {
  const stores: string[] = [];
  for (let steps = 0; steps < most; steps++) {
    if (!(await retokenize(env, TENANT, model, (store) => stores.push(store)))) break;
  }
  return stores;
}

/** Documents whose text can be drafted from. */
async function drafted(): Promise<number> {
  const place: CorpusPlace = { tenantId: TENANT, storeId: 'one', tokenizer: NEW, shard: 0 };
  return (await sizesOf(env, place, [1, 2, 3])).length;
}

test('every passage has ids of both then, and the stores are named', async () => {
  expect((await prepare()).sort()).toEqual(['one', 'one', 'two', 'two']);
  const rows = d1.rows('SELECT tokenizer, count(*) AS n FROM chunk_tokens GROUP BY tokenizer');
  expect(rows).toEqual([
    { tokenizer: OLD, n: PASSAGES + 2 },
    { tokenizer: NEW, n: PASSAGES + 2 },
  ]);
  expect(await retokenize(env, TENANT, model, () => {})).toBe(false);
});

test('what is ready is counted, by documents and by stores', async () => {
  const before = await preparedFor(env, NEW);
  expect(before).toEqual({
    documents: { ready: 0, of: 3 },
    stores: { ready: 0, of: 2 },
    behind: [TENANT],
  });
  // The first document, and a part of the second.
  await prepare(2);
  expect((await preparedFor(env, NEW)).documents).toEqual({ ready: 1, of: 3 });
  await prepare(2);
  const between = await preparedFor(env, NEW);
  expect([between.documents.ready, between.stores.ready]).toEqual([2, 1]);
  await prepare();
  const after = await preparedFor(env, NEW);
  expect(after).toEqual({
    documents: { ready: 3, of: 3 },
    stores: { ready: 2, of: 2 },
    behind: [],
  });
  // Back to the model of before: all is there, nothing is encoded.
  encoded = 0;
  await expect(retokenize(env, TENANT, { ...model, hash: OLD }, () => {})).resolves.toBe(true);
  expect(encoded).toBe(0);
});

test('nothing is drafted from half of a document', async () => {
  await prepare(2);
  const [{ n }] = d1.rows('SELECT count(*) AS n FROM chunk_tokens WHERE tokenizer = ?', [NEW]);
  expect(n).toBeGreaterThan(1);
  expect(n).toBeLessThan(PASSAGES);
  expect(await drafted()).toBe(1);
  await prepare();
  expect(await drafted()).toBe(3);
});

test('ids that a search made meanwhile are kept', async () => {
  d1.rows("INSERT INTO chunk_tokens (chunk_id, tokenizer, ids) VALUES (1, ?, x'07000000')", [NEW]);
  await prepare();
  const [{ ids }] = d1.rows(
    'SELECT hex(ids) AS ids FROM chunk_tokens WHERE chunk_id = 1 AND tokenizer = ?',
    [NEW],
  );
  expect(ids).toBe('07000000');
  expect(encoded).toBe(PASSAGES + 1);
});

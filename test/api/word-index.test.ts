/** The word index after deletions, against the real worker. */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { executeSql, startWorker, type Worker } from '../support/worker.ts';

let verifier: ModelServer;
let worker: Worker;
let client: OpenAI;

beforeAll(async () => {
  verifier = await startModelServer();
  worker = await startWorker({ verifierUrl: verifier.url });
  // `wrangler dev` may keep an answer back while its thread is busy: then it is asked again.
  client = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: 'local', timeout: 30_000 });
});

afterAll(async () => {
  await worker?.close();
  await verifier?.close();
});

async function storeOf(name: string, texts: readonly string[]) {
  const store = await client.vectorStores.create({ name });
  const files = await Promise.all(texts.map((text, i) => toFile(Buffer.from(text), `${i}.md`)));
  const batch = await client.vectorStores.fileBatches.uploadAndPoll(store.id, { files });
  expect(batch.file_counts.completed).toBe(texts.length);
  return store.id;
}

async function deleteWhole(store: string): Promise<void> {
  const { data } = await client.vectorStores.files.list(store);
  for (const { id } of data) await client.files.delete(id);
  await client.vectorStores.delete(store);
}

async function scores(store: string, query: string, method = 'hybrid') {
  const options = { query, ranking_options: { method } };
  const { data } = await client.vectorStores.search(store, options as never);
  return data.map(({ filename, score }) => [filename, score]);
}

test('after a deletion scores are those of before: deleted passages no longer count', async () => {
  const store = await storeOf('kept', [
    '# Apple\n\nA red fruit of the orchard.',
    '# Pear\n\nA green fruit, and another fruit, of a wall.',
    '# Oak\n\nA tree in an orchard of stones, long and old and broad.',
  ]);
  const query = 'fruit orchard wall';
  const before = await scores(store, query);
  expect(before.length).toBe(3);

  const other = Array.from({ length: 12 }, (_, i) => `# Fruit ${i}\n\nThe fruit of wall ${i}.`);
  const another = await storeOf('deleted', other);
  expect(await scores(store, query)).not.toEqual(before);

  await deleteWhole(another);
  expect(await scores(store, query)).toEqual(before);
});

const APPLES = [
  '# 林檎\n\n果樹園の赤い果物。',
  '# 梨\n\n緑の果物、壁の果物。',
  '# 樫\n\n石の果樹園の木。',
];

test('so they are where the index has bigrams, and where it was made anew in between', async () => {
  const store = await storeOf('kept', APPLES);
  const query = '果物と果樹園の壁';
  const before = await scores(store, query, 'bm25');
  expect(before.length).toBe(3);

  const other = Array.from({ length: 12 }, (_, i) => `# 果物${i}号\n\n壁${i}の果物が古いです。`);
  const another = await storeOf('deleted', other);
  await forgetWords('古い');
  expect(await scores(another, '古い', 'bm25')).toEqual([]);
  // A search that misses vectors wakes what mends both.
  await scores(another, '古い', 'vector');
  const found = async () => (await scores(another, '古い', 'bm25')).length;
  await expect.poll(found, { timeout: 20_000 }).toBe(10);

  await deleteWhole(another);
  expect(await scores(store, query, 'bm25')).toEqual(before);
});

/** As it was before the index had bigrams, for the passages whose text has the word. */
async function forgetWords(word: string): Promise<void> {
  const which = `text LIKE '%${word}%'`;
  await executeSql(
    worker,
    `INSERT INTO words_1 (words_1, rowid, title, heading, text)
       SELECT 'delete', id, coalesce(words ->> 0, title), coalesce(words ->> 1, heading), words ->> 2
       FROM chunks WHERE ${which};
     INSERT INTO words_1 (rowid, title, heading, text)
       SELECT id, title, heading, text FROM chunks WHERE ${which};
     UPDATE chunks SET words = NULL WHERE ${which};
     UPDATE documents SET embedder = 'espalier-embed-1'
       WHERE id IN (SELECT document_id FROM chunks WHERE ${which})`,
  );
}

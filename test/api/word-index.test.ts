/** The word index after deletions, and one made before it knew its content; against the real worker. */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { executeSql, startWorker, type Worker } from '../support/worker.ts';

let verifier: ModelServer;
let worker: Worker;
let client: OpenAI;

/** What a database had before the index was told of deletions: no request has been made yet. */
const OLD_DATABASE = `
  INSERT INTO tenants (id, name) VALUES (1, 'local');
  INSERT INTO stores (id, tenant_id, name) VALUES ('vs_old', 1, 'old');
  INSERT INTO files (id, tenant_id, filename, bytes, purpose, content_type, content_hash)
    VALUES ('file-old', 1, 'old.md', 20, 'assistants', '', 'x');
  INSERT INTO documents (id, tenant_id, key, complete) VALUES (1, 1, 'k', 1);
  INSERT INTO chunks (id, document_id, title, heading, text, start, "end")
    VALUES (1, 1, 'Medlar', '', 'Eaten when bletted.', 0, 19);
  INSERT INTO store_files (store_id, file_id, tenant_id, status, document_id)
    VALUES ('vs_old', 'file-old', 1, 'completed', 1);
  CREATE VIRTUAL TABLE passages_1 USING fts5(title, heading, text, content = '', contentless_delete = 1,
    tokenize = 'porter unicode61 remove_diacritics 2');
  INSERT INTO passages_1 (rowid, title, heading, text) SELECT id, title, heading, text FROM chunks;`;

beforeAll(async () => {
  verifier = await startModelServer();
  worker = await startWorker({ verifierUrl: verifier.url });
  await executeSql(worker, OLD_DATABASE);
  client = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: 'local', maxRetries: 0 });
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

async function scores(store: string, query: string) {
  const { data } = await client.vectorStores.search(store, { query });
  return data.map(({ filename, score }) => [filename, score]);
}

test('passages of an index without content move into the new one', async () => {
  const { data } = await client.vectorStores.search('vs_old', { query: 'bletted' });
  expect(data.map(({ filename }) => filename)).toEqual(['old.md']);
});

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

  const { data } = await client.vectorStores.files.list(another);
  for (const { id } of data) await client.files.delete(id);
  await client.vectorStores.delete(another);
  expect(await scores(store, query)).toEqual(before);
});

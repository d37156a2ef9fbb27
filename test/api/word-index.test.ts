/** The word index after deletions, against the real worker. */
import OpenAI, { toFile } from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';

let service: SharedService;
let client: OpenAI;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
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

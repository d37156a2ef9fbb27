/**
 * One suite for all vector indexes: the exact scan, and Vectorize's stand-in, which
 * shows mutations late and has its limits. Two tenants with the same texts, names and questions.
 */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKey, createKeys } from '../support/keys.ts';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { startWorker, type Worker } from '../support/worker.ts';
import { workerConfig } from '../support/worker-config.ts';

const service = (name: string, entrypoint: string) =>
  `[[services]]\nbinding = "${name}"\nservice = "espalier"\nentrypoint = "${entrypoint}"\n`;
const VECTORIZE = service('VECTORIZE', 'StandInVectorize');
const INDEXES = [
  { index: 'exact scan', more: '' },
  { index: 'Vectorize', more: VECTORIZE },
];
const ROOM = { timeout: 20_000 };

let verifier: ModelServer;
beforeAll(async () => {
  verifier = await startModelServer();
});
afterAll(() => verifier?.close());

describe.each(INDEXES)('$index', ({ more }) => {
  const config = workerConfig({ main: 'test/knowledge/stand-ins.ts', more });
  let worker: Worker;
  let ann: OpenAI;
  let bob: OpenAI;
  let bobsKey: string;

  beforeAll(async () => {
    worker = await startWorker({ verifierUrl: verifier.url, config: config.path });
    const clientOf = (apiKey: string) =>
      new OpenAI({ baseURL: `${worker.url}/v1`, apiKey, maxRetries: 0 });
    let annsKey: string;
    [annsKey, bobsKey] = (await createKeys(
      worker.databases,
      { tenant: 'ann', scopes: ['admin'] },
      { tenant: 'bob', scopes: ['admin'] },
    )) as [string, string];
    ann = clientOf(annsKey);
    bob = clientOf(bobsKey);
  });
  afterAll(async () => {
    await worker?.close();
    config.remove();
  });

  async function storeOf(client: OpenAI, texts: Record<string, string>) {
    const store = await client.vectorStores.create({ name: 'orchard' });
    const files = Object.entries(texts).map(([name, text]) => toFile(Buffer.from(text), name));
    const made = await client.vectorStores.fileBatches.uploadAndPoll(store.id, {
      files: await Promise.all(files),
    });
    expect(made.file_counts.failed).toBe(0);
    return store.id;
  }

  async function near(client: OpenAI, store: string, query: string, filters?: object) {
    const ranking_options = { method: 'vector' };
    const body = { query, ranking_options, ...(filters && { filters }) };
    const { data } = await client.vectorStores.search(store, body as never);
    return data.map(({ filename, score }) => [filename, Number(score.toFixed(2))]);
  }

  const PEAR = { 'pear.md': 'How to prune a pear tree in winter.' };

  test('finds the nearest first, whose text it is', async () => {
    const store = await storeOf(ann, { ...PEAR, 'sea.md': 'Ships sail the salty sea.' });
    const found = async () => (await near(ann, store, 'prune a pear tree'))[0];
    await expect.poll(found, ROOM).toEqual(['pear.md', 1]);
  });

  test('another store’s and another tenant’s passages move nothing, not even a score', async () => {
    const store = await storeOf(ann, PEAR);
    const ask = () => near(ann, store, 'a pear tree in winter');
    await expect.poll(ask, ROOM).toEqual([['pear.md', 1]]);
    const other = await storeOf(bob, { 'better.md': 'A pear tree in winter.', ...PEAR });
    const theirs = () => near(bob, other, 'a pear tree in winter');
    await expect.poll(theirs, ROOM).toMatchObject([
      ['better.md', 1],
      ['pear.md', expect.anything()],
    ]);
    expect(await ask()).toEqual([['pear.md', 1]]);
    await expect(near(bob, store, 'pear')).rejects.toMatchObject({ status: 404 });
  });

  test('one content in two stores is found in both, and deleted from one only there', async () => {
    const [first, second] = [await storeOf(ann, PEAR), await storeOf(ann, PEAR)];
    await expect.poll(() => near(ann, first!, 'pear tree'), ROOM).toHaveLength(1);
    await expect.poll(() => near(ann, second!, 'pear tree'), ROOM).toHaveLength(1);
    const [file] = (await ann.vectorStores.files.list(first!)).data;
    await ann.files.delete(file!.id);
    expect(await near(ann, first!, 'pear tree')).toEqual([]);
    expect(await near(ann, second!, 'pear tree')).toHaveLength(1);
  });

  test('attributes leave out what is nearest', async () => {
    const store = await storeOf(ann, { ...PEAR, 'plum.md': 'How to prune a plum tree in winter.' });
    const { data } = await ann.vectorStores.files.list(store);
    for (const { id } of data) {
      const { filename } = await ann.files.retrieve(id);
      const attributes = { fruit: filename.replace('.md', '') };
      await ann.vectorStores.files.update(id, { vector_store_id: store, attributes });
    }
    const filter = { type: 'eq', key: 'fruit', value: 'plum' };
    const found = () => near(ann, store, 'prune a pear tree', filter);
    await expect.poll(found, ROOM).toEqual([['plum.md', 1]]);
  });

  test('a store of the same name, made after one was deleted, has nothing of it', async () => {
    const store = await storeOf(ann, PEAR);
    await expect.poll(() => near(ann, store, 'pear tree'), ROOM).toHaveLength(1);
    await ann.vectorStores.delete(store);
    await expect(near(ann, store, 'pear tree')).rejects.toMatchObject({ status: 404 });
    const again = await storeOf(ann, { 'sea.md': 'Ships sail the salty sea.' });
    await expect.poll(() => near(ann, again, 'salty sea'), ROOM).toEqual([['sea.md', 1]]);
    expect((await near(ann, again, 'pear tree')).flat()).not.toContain('pear.md');
  });

  test('a tenant who comes under the name of one that was deleted finds nothing of theirs', async () => {
    const store = await storeOf(bob, PEAR);
    await expect.poll(() => near(bob, store, 'pear tree'), ROOM).toHaveLength(1);
    const authorization = `Bearer ${bobsKey}`;
    await fetch(`${worker.url}/v1/tenant`, { method: 'DELETE', headers: { authorization } });
    bobsKey = await createKey(worker.databases, 'bob', { scopes: ['admin'] });
    bob = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: bobsKey, maxRetries: 0 });
    await expect(near(bob, store, 'pear tree')).rejects.toMatchObject({ status: 404 });
    const own = await storeOf(bob, { 'sea.md': 'Ships sail the salty sea.' });
    await expect.poll(() => near(bob, own, 'salty sea'), ROOM).toEqual([['sea.md', 1]]);
    expect((await near(bob, own, 'pear tree')).flat()).not.toContain('pear.md');
  });

  test('with the stores, every vector goes', async () => {
    for (const client of [ann, bob]) {
      for (const { id } of (await client.vectorStores.list()).data)
        await client.vectorStores.delete(id);
    }
    await expect.poll(() => vectorsLeft(worker), ROOM).toEqual({ d1: 0, vectorize: 0 });
  });
});

/** Rows in D1, and vectors in the stand-in. */
async function vectorsLeft(worker: Worker) {
  return (await fetch(`${worker.url}/stand-in/vectors`)).json();
}

/** Ingestion through what can happen to it: the worker killed, a batch cancelled, the verifier away. */
import { rmSync } from 'node:fs';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../local/process.ts';
import { newLinkKeys } from '../../local/verifier.ts';
import { type LocalWorker, startWorker } from '../../local/worker.ts';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { migratedState } from '../support/worker.ts';

const FILES = 150;
/** Ten times what all of them take on two cores that do nothing else. */
const INGESTED_MS = 120_000;

const keys = newLinkKeys();
let state: string;
let port: number;
let verifier: ModelServer;
let worker: LocalWorker;
let client: OpenAI;

beforeAll(async () => {
  verifier = await startModelServer();
  port = await freePort();
  state = await migratedState();
  await start();
  client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'local', maxRetries: 0 });
});

afterAll(async () => {
  await worker?.stop();
  await verifier?.close();
  rmSync(state, { recursive: true, force: true, maxRetries: 5 });
});

async function start(verifierUrl = verifier.url): Promise<void> {
  worker = await startWorker({ port, verifierUrl, state, keys });
}

async function kill(): Promise<void> {
  process.kill(-worker.pid, 'SIGKILL');
  await worker.stop();
}

/** A batch that is under way. Tree number i is in file i. */
async function begin(name: string) {
  const store = (await client.vectorStores.create({ name })).id;
  const text = (i: number) =>
    `# Tree ${i}\n\nThe tree number${i} of ${name}. ${'A leaf falls. '.repeat(80)}`;
  const ids: string[] = [];
  for (let i = 0; i < FILES; i++) {
    const file = await toFile(Buffer.from(text(i)), `${name}-${i}.md`);
    ids.push((await client.files.create({ file, purpose: 'assistants' })).id);
  }
  const batch = await client.vectorStores.fileBatches.create(store, { file_ids: ids });
  const counts = async () => {
    const where = { vector_store_id: store };
    return (await client.vectorStores.fileBatches.retrieve(batch.id, where)).file_counts;
  };
  return { store, batch: batch.id, counts };
}

async function foundIn(store: string, i: number) {
  const ranking_options = { method: 'bm25' };
  const body = { query: `number${i}`, ranking_options };
  const { data } = await client.vectorStores.search(store, body as never);
  return data.map(({ filename }) => filename);
}

test('a worker killed with -9 continues where it was: every file once', async () => {
  const { store, counts } = await begin('killed');
  await expect.poll(async () => (await counts()).completed).toBeGreaterThan(10);
  await kill();
  await start();
  // What comes next is asked for by nobody: the alarm has survived.
  const done = { completed: FILES, failed: 0, in_progress: 0 };
  await expect.poll(counts, { timeout: INGESTED_MS }).toMatchObject(done);
  for (const i of [0, 11, 75, FILES - 1]) {
    expect(await foundIn(store, i)).toEqual([`killed-${i}.md`]);
  }
});

test('a cancelled batch stops, and keeps what was done', async () => {
  const { store, batch, counts } = await begin('cancelled');
  await expect.poll(async () => (await counts()).completed).toBeGreaterThan(0);
  await client.vectorStores.fileBatches.cancel(batch, { vector_store_id: store });
  const then = await counts();
  expect(then.cancelled).toBeGreaterThan(0);
  expect(then).toMatchObject({ in_progress: 0, failed: 0 });
  expect(then.cancelled + then.completed).toBe(FILES);
  const cancelled = await client.vectorStores.files.list(store, { filter: 'cancelled' });
  const left = await client.files.retrieve(cancelled.data[0]!.id);
  // Longer than the files that were being written take.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await counts()).toEqual(then);
  expect(await foundIn(store, Number(/\d+/.exec(left.filename)![0]))).toEqual([]);
});

test('while the verifier is away files wait, none is failed for it, and what was there stays', async () => {
  const before = (await client.vectorStores.create({ name: 'before' })).id;
  const file = await toFile(Buffer.from('A tree called number1000.'), 'before.md');
  const { id } = await client.vectorStores.files.uploadAndPoll(before, file);
  await kill();
  await start(`http://127.0.0.1:${await freePort()}`);
  const { store, counts } = await begin('waiting');
  // Longer than two readings would take, if each were counted as a death.
  await new Promise((resolve) => setTimeout(resolve, 9_000));
  expect(await counts()).toMatchObject({ in_progress: FILES, failed: 0 });
  const again = await client.vectorStores.fileBatches.create(before, { file_ids: [id] });
  await client.vectorStores.fileBatches.cancel(again.id, { vector_store_id: before });
  const kept = await client.vectorStores.files.retrieve(id, { vector_store_id: before });
  expect(kept.status).toBe('completed');
  await kill();
  await start();
  await expect
    .poll(counts, { timeout: INGESTED_MS })
    .toMatchObject({ completed: FILES, failed: 0 });
  expect(await foundIn(store, 3)).toEqual(['waiting-3.md']);
  expect(await foundIn(before, 1000)).toEqual(['before.md']);
});

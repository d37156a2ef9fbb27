/** The encoder's file is not the one that the script was built with: all goes on by words, and says so. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { startWorker, type Worker } from '../support/worker.ts';
import { type WorkerConfig, workerConfig } from '../support/worker-config.ts';

let folder: string;
let config: WorkerConfig;
let verifier: ModelServer;
let worker: Worker;
let client: OpenAI;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-assets-'));
  cpSync(join(ROOT, 'web/embedder'), join(folder, 'embedder'), { recursive: true });
  const model = readFileSync(join(folder, 'embedder/model.onnx'));
  model[model.length >> 1]! ^= 1;
  writeFileSync(join(folder, 'embedder/model.onnx'), model);
  config = workerConfig({ assets: folder });
  verifier = await startModelServer();
  worker = await startWorker({ verifierUrl: verifier.url, config: config.path });
  client = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

afterAll(async () => {
  await worker?.close();
  await verifier?.close();
  config?.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('/health says why, and the worker is as ready as before', async () => {
  const health = await (await fetch(`${worker.url}/health`)).json();
  expect(health).toMatchObject({
    live: true,
    embedder: { state: 'failed', reason: expect.stringMatching(/model\.onnx.*deploy both/) },
  });
});

test('files are taken in and found by their words, whatever method is asked for', async () => {
  const store = await client.vectorStores.create({ name: 'orchard' });
  const made = await client.vectorStores.fileBatches.uploadAndPoll(store.id, {
    files: [await toFile(Buffer.from('# Pear\n\nA green fruit.'), 'pear.md')],
  });
  expect(made.file_counts).toMatchObject({ completed: 1, failed: 0 });
  for (const method of ['bm25', 'hybrid']) {
    const options = { query: 'pear', ranking_options: { method } };
    const { data } = await client.vectorStores.search(store.id, options as never);
    expect(data.map(({ filename }) => filename)).toEqual(['pear.md']);
  }
});

test('embeddings are refused with the reason', async () => {
  const asked = client.embeddings.create({ model: 'espalier-embed-1', input: 'pear' });
  await expect(asked).rejects.toMatchObject({
    status: 503,
    message: expect.stringContaining('model.onnx'),
  });
});

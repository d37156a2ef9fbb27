/** The knowledge routes as OpenAI's own SDK calls them, against the real worker. */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { startWorker, type Worker } from '../support/worker.ts';

let verifier: ModelServer;
let worker: Worker;
let client: OpenAI;

beforeAll(async () => {
  verifier = await startModelServer();
  worker = await startWorker({ verifierUrl: verifier.url });
  client = new OpenAI({ baseURL: `${worker.url}/v1`, apiKey: 'local', maxRetries: 0 });
}, 90_000);

afterAll(async () => {
  await worker?.close();
  await verifier?.close();
});

const GUIDE = `---
title: Orchard guide
---

Trees need light.

## Pruning pears

Prune pear trees in late winter, before the sap rises.

\`\`\`sh
prune --tree pear --month february
\`\`\`

## Watering

Water young trees twice a week.
`;

async function storeOf(files: Record<string, string>) {
  const store = await client.vectorStores.create({ name: 'orchard' });
  const uploads = Object.entries(files).map(([name, text]) => toFile(Buffer.from(text), name));
  const batch = await client.vectorStores.fileBatches.uploadAndPoll(
    store.id,
    { files: await Promise.all(uploads) },
    { pollIntervalMs: 50 },
  );
  return { store, batch };
}

test('an uploaded guide is found by what it says', async () => {
  const { store, batch } = await storeOf({ 'guide.md': GUIDE });
  expect(batch.status).toBe('completed');
  expect(batch.file_counts).toMatchObject({ completed: 1, failed: 0, total: 1 });

  const found = await client.vectorStores.search(store.id, { query: 'when do I prune pears?' });
  const best = found.data[0]!;
  expect(best.filename).toBe('guide.md');
  expect(best.content[0]!.text).toContain('late winter');
  expect(best.content[0]).toMatchObject({ title: 'Orchard guide', heading: 'Pruning pears' });
});

/**
 * Everything that once stopped a service, to one that runs as `npm start` runs it: one
 * after another, then together. It answers `/health/live` all along, and a question at
 * the end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { median, quantile } from '../../bench/statistics.ts';
import { streamChat } from '../../bench/stream-chat.ts';
import { HOSTILE_FILES, HOSTILE_REQUESTS, table } from '../support/hostile-inputs.ts';
import { startService, type TestService } from '../support/service.ts';

/** `bench:ingest` takes 8.7 MB. */
const TABLE_BYTES = 500_000;
const BATCH_FILES = 130;
/** At a time. */
const UPLOADS = 10;
/** Between two looks at `/health/live`. */
const PROBE_MS = 200;
/** A worker that is silent for longer is taken for dead by who supervises it. */
const HELD_UP_MS = 60_000;
/** Until a file is read or refused, beside all others on a busy machine. */
const READ_MS = 300_000;

let service: TestService;
let client: OpenAI;
let storeId: string;
let over = false;
let watching: Promise<void>;
const looks: { status: number; ms: number; during: string }[] = [];
/** What goes on. */
let during = 'the start';

async function watch(): Promise<void> {
  while (!over) {
    const since = performance.now();
    const status = await fetch(`${service.url}/health/live`, { headers: { connection: 'close' } })
      .then((response) => response.status)
      .catch(() => 0);
    looks.push({ status, ms: performance.now() - since, during });
    await sleep(PROBE_MS);
  }
}

beforeAll(async () => {
  service = await startService();
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 8 });
  storeId = (await client.vectorStores.create({ name: 'hostile' })).id;
  watching = watch();
});

afterAll(() => service?.stop());

async function upload(name: string, content: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const file = await toFile(Buffer.from(content as string), name);
  return (await client.files.create({ file, purpose: 'assistants' })).id;
}

/** What became of it: read, or refused by the file's own fault and with a reason. */
async function outcome(fileId: string): Promise<string> {
  for (const end = Date.now() + READ_MS; Date.now() < end; await sleep(PROBE_MS)) {
    const file = await client.vectorStores.files.retrieve(fileId, { vector_store_id: storeId });
    if (file.status === 'completed') return 'read';
    if (file.status !== 'failed') continue;
    const { code, message } = file.last_error!;
    return code === 'server_error' ? message : 'refused';
  }
  return 'still being read';
}

async function refusal(name: string): Promise<number> {
  const { path, body } = HOSTILE_REQUESTS[name]!();
  const response = await fetch(service.url + path, { method: 'POST', body: JSON.stringify(body) });
  await response.arrayBuffer();
  return response.status;
}

test.each(Object.keys(HOSTILE_FILES))('a file is read or refused: %s', async (name) => {
  during = name;
  const fileId = await upload(name, HOSTILE_FILES[name]!());
  await client.vectorStores.files.create(storeId, { file_id: fileId });
  expect(['read', 'refused']).toContain(await outcome(fileId));
});

test.each(Object.keys(HOSTILE_REQUESTS))('a request is refused: %s', async (name) => {
  during = name;
  expect(await refusal(name)).toBe(400);
});

test('a table of 500 kB, and a GET right after it', { timeout: READ_MS }, async () => {
  during = 'a table of 500 kB';
  const fileId = await upload('table.csv', table(TABLE_BYTES));
  await client.vectorStores.files.create(storeId, { file_id: fileId });
  expect((await client.vectorStores.retrieve(storeId)).file_counts.in_progress).toBe(1);
  expect(await outcome(fileId)).toBe('read');
});

test('a batch of 130 files, and a GET right after it', { timeout: READ_MS }, async () => {
  during = 'a batch of 130 files';
  const names = Array.from({ length: BATCH_FILES }, (_, i) => `pear ${i}`);
  const file_ids: string[] = [];
  for (let from = 0; from < BATCH_FILES; from += UPLOADS) {
    const some = names.slice(from, from + UPLOADS);
    const uploads = some.map((name) => upload(`${name}.md`, `# The ${name}\n\nIt is ripe.`));
    file_ids.push(...(await Promise.all(uploads)));
  }
  await client.vectorStores.fileBatches.create(storeId, { file_ids });
  expect((await client.vectorStores.retrieve(storeId)).file_counts.total).toBeGreaterThan(130);
  for (const id of file_ids) expect(await outcome(id)).toBe('read');
});

test('all of them at once', { timeout: 2 * READ_MS }, async () => {
  during = 'all at once';
  // Of another name a file is read again.
  const file_ids = await Promise.all(
    Object.entries(HOSTILE_FILES).map(([name, make]) => upload(`again ${name}`, make())),
  );
  const refusing = Promise.all(Object.keys(HOSTILE_REQUESTS).map(refusal));
  await client.vectorStores.fileBatches.create(storeId, { file_ids });
  // One after another: all who ask at once would be the load that is measured.
  for (const id of file_ids) expect(['read', 'refused']).toContain(await outcome(id));
  // Who comes to a worker that is busy is told to come again.
  for (const status of await refusing) expect([400, 503]).toContain(status);
});

test('it lived through all of that, and answers a question', async () => {
  over = true;
  await watching;
  const times = looks.map(({ ms }) => ms);
  const figures = [median(times), quantile(times, 0.95), Math.max(...times)].map(Math.round);
  console.log(`${looks.length} looks: median, 95 %, longest ${figures.join(', ')} ms`);
  expect(looks.length).toBeGreaterThan(50);
  expect(looks.filter(({ status, ms }) => status !== 200 || ms > HELD_UP_MS)).toEqual([]);
  const { text } = await streamChat(service.url, {
    messages: [{ role: 'user', content: 'What is the echo?' }],
    temperature: 0,
    max_tokens: 60,
  });
  expect(text.length).toBeGreaterThan(20);
});

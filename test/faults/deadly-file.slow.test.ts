/** A file in whose reading the worker dies, as `npm start` runs and watches it: it is failed, the others are read. */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Patience } from '../../local/supervised.ts';
import { startService, type TestService } from '../support/service.ts';

/** Takes seconds to read. */
const LARGE_BYTES = 10_000_000;
/** From when the worker answers until it is killed: its alarm has gone off by then, and the file is not read. */
const INTO_READING_MS = 2_500;
/** More each time: a kill before the reading has begun counts for nothing. */
const LATER_MS = 1_500;
const MAX_KILLS = 8;
/** Files attached in one second are read in any order. */
const NEXT_SECOND_MS = 1_100;
const IMPATIENT: Patience = {
  probeMs: 200,
  answerMs: 5_000,
  silentMs: 60_000,
  pauseMs: 10,
  longestPauseMs: 10,
  maxFailures: MAX_KILLS,
  steadyMs: 600_000,
};

let service: TestService;
let client: OpenAI;
const said: string[] = [];

beforeAll(async () => {
  service = await startService({ demo: false });
  void service.worker.process.watch((line) => said.push(line), IMPATIENT);
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 8 });
});

afterAll(() => service?.stop());

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills the worker with all that it has started, and waits until it has been started again. */
async function kill(): Promise<void> {
  const { pid } = service.worker;
  process.kill(-pid, 'SIGKILL');
  await expect.poll(() => service.worker.pid, { timeout: 60_000 }).not.toBe(pid);
  const isLive = async () => (await fetch(`${service.url}/health/live`)).ok;
  await expect.poll(isLive, { timeout: 120_000 }).toBe(true);
}

test('a file that was being read twice when the worker died is failed with that reason', {
  timeout: 600_000,
}, async () => {
  const store = (await client.vectorStores.create({ name: 'deadly' })).id;
  const attach = async (name: string, text: string) => {
    const file = await toFile(Buffer.from(text), name);
    const { id } = await client.files.create({ file, purpose: 'assistants' });
    await client.vectorStores.files.create(store, { file_id: id });
    return id;
  };
  const read = async (id: string) =>
    await client.vectorStores.files.retrieve(id, { vector_store_id: store });
  const row = 'an orchard, an espalier, a wall of the garden, and a ladder\n';
  const deadly = await attach('deadly.csv', row.repeat(LARGE_BYTES / row.length));
  await sleep(NEXT_SECOND_MS);
  const innocent = await attach('innocent.md', '# Pears\n\nA pear ripens in September.');
  const saidBefore = said.length;
  let kills = 0;
  while ((await read(deadly)).status === 'in_progress' && kills < MAX_KILLS) {
    await sleep(INTO_READING_MS + kills * LATER_MS);
    await kill();
    kills++;
  }
  const { status, last_error } = await read(deadly);
  expect({ status, last_error }).toEqual({
    status: 'failed',
    last_error: {
      code: 'server_error',
      message:
        'the service stopped 2 times while it read this file: split the file or save it in another format, then attach it again',
    },
  });
  expect(kills).toBeGreaterThanOrEqual(2);
  const stops = said.slice(saidBefore).filter((line) => line.startsWith('The worker stopped'));
  expect(stops).toHaveLength(kills);
  const innocentStatus = async () => (await read(innocent)).status;
  await expect.poll(innocentStatus, { timeout: 60_000 }).toBe('completed');
});

/** One key asks as much as it may, through the real worker and verifier: another key is served all the while. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../engine/models.ts';
import { createKeys } from '../support/keys.ts';
import { startWorker, type Worker } from '../support/worker.ts';
import { type RealVerifier, startRealVerifier } from './real-verifier.ts';

const SLOTS = 4;
const FLOOD = 100;
/** The worker prepares it beside the others, and a slot is left. */
const PROMPTLY_SECONDS = 5;

/** The bundled model's end tokens are banned. */
const LONG = {
  max_tokens: 400,
  logit_bias: { 0: -100, 2: -100 },
  speculation: { mode: 'off' },
};

const cacheFolder = temporaryFolder();
let real: RealVerifier;
let worker: Worker;

beforeAll(async () => {
  real = await startRealVerifier({ slots: SLOTS, maxContext: 1024, cacheFolder });
  worker = await startWorker({ verifierUrl: real.verifier.url });
});

afterAll(async () => {
  await worker?.close();
  await real?.verifier.close();
});

/** Asks, and gives what came of it. */
async function ask(
  key: string,
  maxWait: number,
  fields: object,
  signal?: AbortSignal,
): Promise<string> {
  const response = await fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    signal: signal ?? null,
    headers: { authorization: `Bearer ${key}`, 'x-espalier-max-wait': String(maxWait) },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'What is the echo?' }],
      vector_store_ids: [],
      ...fields,
    }),
  });
  const body = await response.text();
  return response.ok ? 'answered' : `${response.status} ${body}`;
}

async function waiting(): Promise<number> {
  return (await (await fetch(`${real.verifier.url}/health`)).json()).waiting;
}

test('one key’s hundred requests leave a slot to another key, promptly', async () => {
  const [many, few] = (await createKeys(
    worker.databases,
    { tenant: 'many', concurrency: FLOOD, requestsPerMinute: 1_000 },
    { tenant: 'few' },
  )) as [string, string];
  expect(await ask(few, 30, { max_tokens: 8 })).toBe('answered');
  let answered = 0;
  const leaving = new AbortController();
  const flood = Array.from({ length: FLOOD }, async () => {
    await ask(many, 300, LONG, leaving.signal).catch(() => {});
    answered++;
  });
  await expect.poll(waiting, { timeout: 30_000 }).toBeGreaterThan(SLOTS);
  // The hundred would take far longer: in so little time it is answered only past them.
  expect(await ask(few, PROMPTLY_SECONDS, { max_tokens: 8 })).toBe('answered');
  expect(await waiting()).toBeGreaterThan(0);
  expect(answered).toBeLessThan(FLOOD);
  leaving.abort();
  await Promise.all(flood);
});

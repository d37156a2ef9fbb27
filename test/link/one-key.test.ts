/** One key asks as much as it may, through the real worker and verifier: another key is served all the while. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../engine/models.ts';
import { createKeys } from '../support/keys.ts';
import { startWorker, type Worker } from '../support/worker.ts';
import { type RealVerifier, startRealVerifier } from './real-verifier.ts';

const SLOTS = 4;
const FLOOD = 100;

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
async function ask(key: string, maxWait: number, maxTokens: number): Promise<string> {
  const response = await fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'x-espalier-max-wait': String(maxWait) },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'What is the echo?' }],
      vector_store_ids: [],
      max_tokens: maxTokens,
    }),
  });
  const body = await response.text();
  return response.ok ? 'answered' : `${response.status} ${body}`;
}

async function waiting(): Promise<number> {
  return (await (await fetch(`${real.verifier.url}/health`)).json()).waiting;
}

test('one key’s hundred requests leave a slot to another key, at once and every time', async () => {
  const [many, few] = (await createKeys(
    worker.databases,
    { tenant: 'many', concurrency: FLOOD, requestsPerMinute: 1_000 },
    { tenant: 'few' },
  )) as [string, string];
  expect(await ask(few, 30, 8)).toBe('answered');
  let answered = 0;
  const flood = Array.from({ length: FLOOD }, async () => {
    const outcome = await ask(many, 300, 100);
    answered++;
    return outcome;
  });
  await expect.poll(waiting, { timeout: 30_000 }).toBeGreaterThan(SLOTS);
  for (let i = 0; i < 5; i++) {
    // One that may not wait at all is refused unless a slot is free.
    expect(await ask(few, 0, 8)).toBe('answered');
    await expect.poll(() => real.verifier.active(), { interval: 5 }).toBeLessThan(SLOTS);
  }
  expect(await waiting()).toBeGreaterThan(0);
  expect(answered).toBeLessThan(FLOOD);
  await Promise.all(flood);
});

/** A client that leaves before the links of its answers are made: none is made. Through the real worker and the real verifier. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TcpProxy } from '../../bench/rtt/proxy.ts';
import { temporaryFolder } from '../engine/models.ts';
import { startWorker, type Worker } from '../support/worker.ts';
import { type RealVerifier, startRealVerifier } from './real-verifier.ts';

/** For so long the worker waits for the verifier's description: less than it would give up after. */
const MODEL_MS = 2_000;
/** Longer than the worker takes to hear that a client has left. */
const TOLD_MS = 500;

const cacheFolder = temporaryFolder();
let real: RealVerifier;
let proxy: TcpProxy;
let worker: Worker;
beforeAll(async () => {
  real = await startRealVerifier({ slots: 2, maxContext: 512, cacheFolder });
  proxy = await TcpProxy.start(Number(new URL(real.verifier.url).port));
  worker = await startWorker({ verifierUrl: proxy.url });
});
afterAll(async () => {
  await worker?.close();
  await proxy?.close();
  await real?.verifier.close();
});

function ask(signal: AbortSignal | null = null): Promise<Response> {
  return fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'What is the echo?' }],
      max_tokens: 4,
    }),
  });
}

test('a client that left while the model was looked up asks for no slot', async () => {
  let asked = 0;
  let links = 0;
  proxy.rttMs = MODEL_MS;
  proxy.tap = (bytes, from) => {
    if (from === 'near' && bytes.includes('GET /model ')) asked++;
    if (from === 'near' && bytes.includes('GET /v1/link')) links++;
    return [bytes];
  };
  const leaving = new AbortController();
  const left = ask(leaving.signal).catch((error) => error.name);
  await expect.poll(() => asked, { timeout: 60_000 }).toBe(1);
  leaving.abort();
  expect(await left).toBe('AbortError');
  await sleep(TOLD_MS);
  proxy.rttMs = 0;
  // What the worker hears then it hears late: this one begins after the first has gone on.
  await sleep(MODEL_MS);
  const answered = await ask();
  expect(answered.status).toBe(200);
  await answered.text();
  expect(links).toBe(1);
});

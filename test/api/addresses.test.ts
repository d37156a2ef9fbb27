/** Where the verifiers are is told on the worker's own machine alone, and nobody else's asking reaches them each time. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorker, type Worker } from '../support/worker.ts';

let worker: Worker;
let verifierUrl: string;
let asked = 0;
/** Hangs up on whoever asks. */
const verifier = createServer(({ socket }) => {
  asked++;
  socket.destroy();
});

beforeAll(async () => {
  await new Promise<void>((done) => verifier.listen(0, '127.0.0.1', done));
  verifierUrl = `http://127.0.0.1:${(verifier.address() as AddressInfo).port}`;
  worker = await startWorker({ verifierUrl });
});
afterAll(async () => {
  await worker?.close();
  verifier.close();
});

const OTHERS = { 'x-forwarded-for': '203.0.113.7' };
const health = async (headers: Record<string, string>) =>
  (await fetch(`${worker.url}/health`, { headers })).text();

test('health names the verifier to its own machine, and to nobody else', async () => {
  expect(await health({})).toContain(verifierUrl);
  const forwarded = await health(OTHERS);
  expect(JSON.parse(forwarded)).toMatchObject({ checks: { verifier: { ok: false } } });
  expect(forwarded).not.toContain(verifierUrl);
});

test('others who ask again and again get what was found within the last second', async () => {
  const before = asked;
  for (let i = 0; i < 60; i++) await health(OTHERS);
  expect(asked - before).toBeLessThan(60);
  const last = asked;
  await health({});
  expect(asked).toBeGreaterThan(last);
});

test('an error that no verifier can be reached names no address', async () => {
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'x' }] });
  for (const request of [{ path: 'chat/completions', method: 'POST', body }, { path: 'models' }]) {
    const { path, ...init } = request;
    const response = await fetch(`${worker.url}/v1/${path}`, init);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain(verifierUrl);
  }
});

/** Where the verifiers are is told on the worker's own machine alone. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../local/process.ts';
import { startWorker, type Worker } from '../support/worker.ts';

let worker: Worker;
let verifierUrl: string;

beforeAll(async () => {
  // Nobody listens there.
  verifierUrl = `http://127.0.0.1:${await freePort()}`;
  worker = await startWorker({ verifierUrl });
});
afterAll(() => worker?.close());

test('health names the verifier to its own machine, and to nobody else', async () => {
  const health = async (headers: Record<string, string>) =>
    (await fetch(`${worker.url}/health`, { headers })).text();
  expect(await health({})).toContain(verifierUrl);
  const forwarded = await health({ 'x-forwarded-for': '203.0.113.7' });
  expect(JSON.parse(forwarded)).toMatchObject({ checks: { verifier: { ok: false } } });
  expect(forwarded).not.toContain(verifierUrl);
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

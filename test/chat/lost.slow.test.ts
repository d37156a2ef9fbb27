/**
 * What happens when one end of an answer goes away in the middle. In workerd alone:
 * the proxy of `wrangler dev` does not always pass on that a client has gone.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withBareWorker } from '../../bench/load/bare-worker.ts';
import { CLIENT_DEADLINE_MS } from '../../src/api/answers/client-stream.ts';
import { createKey } from '../support/keys.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
/** With limits, which are held until its client has the last byte. */
let key: string;
beforeAll(async () => {
  const started = await startService();
  key = await createKey(started.worker.databases, 'lost', { concurrency: 1 });
  service = await withBareWorker(started);
});
afterAll(() => service.stop());

const CLIENTS = 150;

/** A long answer, so that there is a middle: sampled hot, it rarely ends by itself. */
const LONG = {
  messages: [{ role: 'user', content: 'What happens to a request?' }],
  vector_store_ids: [],
  temperature: 2,
  seed: 3,
  max_tokens: 1500,
  stream: true,
  speculation: { mode: 'off' },
};

function open(signal?: AbortSignal, headers: Record<string, string> = {}) {
  return fetch(`${service.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(LONG),
    ...(signal ? { signal } : {}),
  });
}

async function active(): Promise<number> {
  const response = await fetch(`${service.verifierUrl}/health`);
  return ((await response.json()) as { active: number }).active;
}

async function until(condition: () => Promise<boolean>, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

test('client gone: the session of the verifier is freed within a second', async () => {
  const abort = new AbortController();
  const response = await open(abort.signal);
  const reader = response.body!.getReader();
  await reader.read();
  expect(await active()).toBe(1);
  abort.abort();
  await reader.read().catch(() => {});
  expect(await until(async () => (await active()) === 0, 1_000)).toBe(true);
});

/** Of a hundred that left while a chunk was being sent, two to seven were once noticed by their silence alone. */
test('clients gone at any moment: none is freed only because it was silent for long', {
  retry: 0,
}, async () => {
  const keyed = { authorization: `Bearer ${key}` };
  let slowest = 0;
  for (let client = 0; client < CLIENTS; client++) {
    const abort = new AbortController();
    let body: Response['body'] = null;
    const ask = async () => {
      const response = await open(abort.signal, client % 2 ? keyed : {});
      body = response.body;
      return response.ok;
    };
    // The key may have one request at a time, and is given back a moment after the slot.
    expect(await until(ask, CLIENT_DEADLINE_MS / 2), `client ${client}`).toBe(true);
    const reader = body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    await reader.read();
    if (client % 3 === 0) await new Promise((resolve) => setTimeout(resolve, client));
    abort.abort();
    const left = Date.now();
    await reader.read().catch(() => {});
    const freed = await until(async () => (await active()) === 0, CLIENT_DEADLINE_MS / 2);
    expect(freed, `client ${client}`).toBe(true);
    slowest = Math.max(slowest, Date.now() - left);
  }
  console.log(`of ${CLIENTS} clients the slowest was noticed after ${slowest} ms`);
});

test("verifier gone in mid-stream: an error event in OpenAI's form, never a silent end", async () => {
  // Says what looks like its end in its first event, and gets no further.
  const quoting = {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'quoting' },
    body: JSON.stringify({
      prompt: 'data: [DONE]',
      echo: true,
      temperature: 2,
      seed: 3,
      max_tokens: 1500,
      stream: true,
    }),
  };
  const quoted = await fetch(`${service.url}/v1/completions`, quoting);
  const response = await open();
  expect([response.status, quoted.status]).toEqual([200, 200]);
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body!) {
    if (text === '') process.kill(-service.verifier.pid, 'SIGKILL');
    text += decoder.decode(bytes, { stream: true });
  }
  const last = text.trimEnd().split('\n\n').at(-1)!;
  expect(text).not.toContain('[DONE]');
  expect(JSON.parse(last.replace(/^data: /, ''))).toMatchObject({
    error: { type: 'server_error', message: expect.stringContaining('verifier') },
  });
  expect(await quoted.text()).toMatch(/data: \[DONE\].*"error"/s);
  // Not kept: asked again, it is tried again.
  const again = () => fetch(`${service.url}/v1/completions`, quoting);
  await expect.poll(async () => (await again()).status).toBe(503);
});

test('verifier gone before the question: 503 with a message that says what to do', async () => {
  const response = await open();
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).not.toBeNull();
  const { error } = (await response.json()) as { error: { message: string } };
  expect(error.message).toContain('verifier');
});

/**
 * A verifier whose memory for keys and values is spent refuses by name before
 * the first byte, to the worker and to its client, and gives up first what was
 * idle longest. Through the real verifier, the latter also through the real worker.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RETRY_AFTER_MS } from '../../gpu-backend/turn/refusal.ts';
import type { Link } from '../../src/link/client.ts';
import type { Ready } from '../../src/link/protocol/index.ts';
import { temporaryFolder } from '../engine/models.ts';
import { startWorker, type Worker } from '../support/worker.ts';
import { type RealVerifier, startRealVerifier } from './real-verifier.ts';

const CONTEXT = 1024;
/** 6 layers of keys and values, 2 heads of 64 in float32. */
const TOKEN_BYTES = 6 * 2 * 2 * 64 * 4;
/** Two whole contexts and something, but no third and no four quarters. */
const MEMORY = 2.2 * CONTEXT * TOKEN_BYTES;

const cacheFolder = temporaryFolder();
let real: RealVerifier;
let worker: Worker;
beforeAll(async () => {
  real = await startRealVerifier({
    memoryBytes: MEMORY,
    slots: 16,
    maxContext: CONTEXT,
    cacheFolder,
  });
  worker = await startWorker({ verifierUrl: real.verifier.url });
});
afterAll(async () => {
  await worker?.close();
  await real?.verifier.close();
});

const prompt = (first: number, length = 64) =>
  Int32Array.from({ length }, (_, i) => first + (i % 50));

/** Opens a turn and waits until it has its slot; the iterator keeps it there. */
async function ready(link: Link): Promise<Ready> {
  const { value } = await link.events().next();
  if (value?.type !== 'ready') throw new Error(`${value?.type} before ready`);
  return value;
}

/** Runs a whole turn; how much of its prompt was there already. */
async function turn(first: number): Promise<number> {
  let cached = -1;
  const link = await real.open(prompt(first), { maxTokens: 4 });
  for await (const event of link.events()) if (event.type === 'ready') cached = event.cachedTokens;
  await idle();
  return cached;
}

async function idle(): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (real.verifier.active() > 0) {
    if (Date.now() > deadline) throw new Error('a slot was not given back');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Turns that go on until they are closed, one for every slot; of several namespaces, as one gets the last slot only while no other is about. */
async function fill(): Promise<Link[]> {
  const links: Link[] = [];
  for (let i = 0; i < real.engine.limits.slots; i++) {
    // In lockstep a turn waits for a tree, and here none comes: its slot stays held.
    const link = await real.open(prompt(100 + 60 * i), {
      namespace: `test ${i % 2}`,
      maxTokens: 100,
      drafting: 'lockstep',
    });
    await ready(link);
    links.push(link);
  }
  return links;
}

/** Until so many turns wait. */
async function waited(turns: number): Promise<void> {
  for (;;) {
    const health = await (await fetch(`${real.verifier.url}/health`)).json();
    if ((health as { waiting: number }).waiting === turns) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function ask(change: object = {}, headers: Record<string, string> = {}, signal?: AbortSignal) {
  return fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    ...(signal && { signal }),
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'What is the echo?' }],
      vector_store_ids: [],
      max_tokens: 8,
      stream: true,
      ...change,
    }),
  });
}

test('the budget decides how many slots there are', () => {
  const { slots } = real.engine.limits;
  expect(slots).toBeGreaterThanOrEqual(2);
  expect(slots).toBeLessThan(16);
});

test('full: the next turn is refused with when to try again; a freed slot takes it', async () => {
  const links = await fill();
  const refused = await real.open(prompt(1000));
  await expect(ready(refused)).rejects.toMatchObject({
    code: 'overloaded',
    retryAfterMs: RETRY_AFTER_MS,
  });
  links[0]!.close();
  while (real.verifier.active() === links.length) await new Promise((r) => setTimeout(r, 5));
  const taken = await real.open(prompt(1000), { maxTokens: 4 });
  expect((await ready(taken)).active).toBe(links.length);
  for (const link of [...links, taken]) link.close();
  await idle();
});

test('full: a client gets 503 with retry-after and no first byte, and later its answer', async () => {
  const links = await fill();
  const refused = await ask({}, { 'x-espalier-max-wait': '0' });
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  const { error } = (await refused.json()) as { error: { type: string; code: string } };
  expect(error).toMatchObject({ type: 'server_error', code: 'overloaded' });
  for (const link of links) link.close();
  await idle();
  const answered = await ask();
  expect(answered.status).toBe(200);
  expect(await answered.text()).toContain('[DONE]');
  await idle();
});

test('full: who may wait is queued, and begins as soon as a slot is free', async () => {
  const links = await fill();
  const waiting = await real.open(prompt(1000), { maxTokens: 4, maxWaitMs: 20_000 });
  const begun = ready(waiting);
  await waited(1);
  expect(await (await fetch(`${real.verifier.url}/metrics`)).text()).toContain(
    'espalier_verifier_waiting 1\n',
  );
  links[0]!.close();
  expect((await begun).active).toBe(links.length);
  for (const link of [...links, waiting]) link.close();
  await idle();
});

test('who leaves loses its place, and one that waits too long is refused', async () => {
  const links = await fill();
  const gone = await real.open(prompt(1000), { maxWaitMs: 20_000 });
  await waited(1);
  gone.close();
  await waited(0);
  const late = await real.open(prompt(1000), { maxWaitMs: 300 });
  await expect(ready(late)).rejects.toMatchObject({ code: 'overloaded' });
  await waited(0);
  for (const link of links) link.close();
  await idle();
});

test.each([true, false])(
  'a client that leaves while it waits frees its place, stream %s',
  async (stream) => {
    const links = await fill();
    const leaving = new AbortController();
    const asked = ask({ stream }, {}, leaving.signal).catch((error) => error.name);
    await waited(1);
    const figures = await (await fetch(`${worker.url}/metrics`)).text();
    expect(figures).toContain('espalier_waiting_requests{reason="slot"} 1\n');
    leaving.abort();
    expect(await asked).toBe('AbortError');
    // Long before it would be refused.
    const left = Date.now();
    await waited(0);
    expect(Date.now() - left).toBeLessThan(10_000);
    for (const link of links) link.close();
    await idle();
  },
);

test('the worker’s metrics have how long answers waited for a slot', async () => {
  const counted = async () => {
    const text = await (await fetch(`${worker.url}/metrics`)).text();
    const [, sum] = /espalier_wait_seconds_sum\{reason="slot"\} (\S+)/.exec(text) ?? [];
    return Number(sum ?? 0);
  };
  const before = await counted();
  const links = await fill();
  const asked = ask();
  await waited(1);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  for (const link of links) link.close();
  expect(await (await asked).text()).toContain('[DONE]');
  await expect.poll(counted, { timeout: 10_000 }).toBeGreaterThan(before + 0.9);
  await idle();
});

test('a burst through the service is answered whole, not refused', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask()));
  for (const answer of answers) {
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('[DONE]');
  }
  await idle();
});

test('the header says how long a request waits, within bounds', async () => {
  for (const value of ['-1', '301', 'soon', '1e2']) {
    const wrong = await ask({}, { 'x-espalier-max-wait': value });
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toContain('x-espalier-max-wait');
  }
});

test('choices that do not all fit are refused together, and those that did are let go', async () => {
  const { slots } = real.engine.limits;
  expect(slots).toBeLessThan(8);
  const refused = await ask({ n: 8, max_tokens: 100 }, { 'x-espalier-max-wait': '0' });
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  await idle();
  const answered = await ask({ n: 2 });
  expect(await answered.text()).toContain('[DONE]');
  await idle();
});

test('turns that begin together with one prompt compute it once', async () => {
  const { slots } = real.engine.limits;
  const long = prompt(4000, 200);
  const seeds = Array.from({ length: slots - 1 }, (_, i): [number, number] => [i, 0]);
  const sampling = { temperature: 0.8, topP: 0.9, topK: 0 };
  const one = async (seed: [number, number], namespace: string) => {
    const link = await real.open(long, {
      maxTokens: 8,
      namespace,
      sampling: { seed, ...sampling },
    });
    const said: number[] = [];
    let prefill = -1;
    for await (const event of link.events()) {
      if (event.type === 'accept') said.push(...event.tokens);
      if (event.type === 'done') prefill = event.prefillMicros;
    }
    return { said, prefill };
  };
  const together = await Promise.all(seeds.map((seed) => one(seed, 'choices')));
  expect(together.filter(({ prefill }) => prefill > 0)).toHaveLength(1);
  await idle();
  for (const [i, seed] of seeds.entries()) {
    expect((await one(seed, `alone ${i}`)).said).toEqual(together[i]!.said);
  }
  await idle();
});

test('of the slots that a turn fits into, the one idle longest is given up first', async () => {
  // One slot holds a whole context and is left to turns that need it.
  const short = real.engine.limits.slots - 1;
  const firsts = Array.from({ length: short }, (_, i) => 2000 + 60 * i);
  for (const first of firsts) await turn(first);
  expect(await turn(firsts[0]!)).toBeGreaterThan(0);
  // Now the second is the oldest: a stranger takes its place and no other's.
  expect(await turn(3000)).toBe(0);
  for (const first of [firsts[0]!, ...firsts.slice(2)])
    expect(await turn(first)).toBeGreaterThan(0);
  expect(await turn(firsts[1]!)).toBe(0);
});

/** Keys made by the command line open exactly what they should. */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { createKeys, espalier as run } from '../support/keys.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

let service: SharedService;
/** Made without the command. */
let threeAtOnce: string;
let chatter: string;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  [threeAtOnce, chatter] = (await createKeys(
    service.databases,
    { tenant: 'chooser', concurrency: 3 },
    { tenant: 'chatter' },
  )) as [string, string];
});

const espalier = (...args: string[]) => run(service.databases, ...args);

/** By the command itself. */
async function createByCommand(tenant: string, ...options: string[]): Promise<string> {
  const { out, err, status } = await espalier('key', 'create', '--tenant', tenant, ...options);
  expect(status, err).toBe(0);
  return out;
}

async function call(path: string, key: string | null, init: RequestInit = {}) {
  const headers = { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...init.headers };
  const response = await fetch(`${service.url}${path}`, { ...init, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

const errorOf = (text: string) => JSON.parse(text).error;

/** Each command starts wrangler, which takes seconds. */
const COMMANDS_MS = 120_000;

test('a key opens what its scopes say, until it is revoked', { timeout: COMMANDS_MS }, async () => {
  const reader = await createByCommand('holder', '--scopes', 'chat', '--name', "ann's reader");
  const admin = await createByCommand('holder', '--scopes', 'admin');
  const watcher = await createByCommand('holder', '--scopes', 'metrics');
  expect(reader).toMatch(/^esp_[\w-]{32}$/);
  const store = { method: 'POST', body: '{"name":"x"}' };

  expect((await call('/v1/models', reader)).status).toBe(200);
  const refused = await call('/v1/vector_stores', reader, store);
  expect(refused.status).toBe(403);
  expect(errorOf(refused.text)).toMatchObject({
    type: 'invalid_request_error',
    code: 'insufficient_permissions',
    message: expect.stringContaining('ingest'),
  });
  const made = await call('/v1/vector_stores', admin, store);
  expect(made.status).toBe(200);
  const query = { method: 'POST', body: '{"query":"pears"}' };
  const { id } = JSON.parse(made.text);
  expect((await call(`/v1/vector_stores/${id}/search`, reader, query)).status).toBe(200);
  expect((await call('/metrics', reader)).status).toBe(403);
  expect((await call('/metrics', admin)).status).toBe(403);
  expect((await call('/metrics', watcher)).text).toContain('espalier_http_requests_total{');
  expect((await call('/v1/models', watcher)).status).toBe(403);

  const { out: list } = await espalier('key', 'list');
  expect(list).toContain("ann's reader");
  expect(list).not.toContain(reader);
  const readerId = /│\s*(\d+)\s*│\s*'holder'\s*│\s*"ann's reader"/.exec(list)?.[1];
  expect((await espalier('key', 'revoke', readerId!)).status).toBe(0);
  const revoked = await call('/v1/models', reader);
  expect(revoked.status).toBe(401);
  expect(errorOf(revoked.text).code).toBe('invalid_api_key');
  expect((await espalier('key', 'revoke', readerId!)).status).toBe(1);
});

test('a key’s rate is held, and the answer says when to come again', async () => {
  const key = await createByCommand('hurried', '--scopes', 'ingest', '--requests-per-minute', '3');
  const answers = [];
  for (let i = 0; i < 2; i++) answers.push(await call('/v1/models', key));
  const chat = await call('/v1/chat/completions', key, { method: 'POST', body: '{}' });
  expect(chat.status).toBe(403);
  for (let i = 0; i < 2; i++) answers.push(await call('/v1/models', key));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
  expect(answers[0]!.headers.get('x-ratelimit-limit-requests')).toBe('3');
  expect(answers[0]!.headers.get('x-ratelimit-remaining-requests')).toBe('2');
  expect(Number(answers[2]!.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(errorOf(answers[2]!.text).code).toBe('rate_limit_exceeded');
});

/** Longer than a request takes to be let in. */
const HELD_MS = 2_000;

/** A request of the key's that stays under way, until its `end`: an upload whose body does not end. */
function holdRequest(key: string) {
  const { hostname, port } = new URL(service.url);
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'multipart/form-data; boundary=x',
  };
  const slow = request({ hostname, port, method: 'POST', path: '/v1/files', headers });
  const answered = new Promise((resolve) => slow.on('response', (r) => resolve(r.statusCode)));
  slow.on('error', () => {});
  slow.write('--x\r\n');
  let isAnswered = false;
  void answered.then(() => {
    isAnswered = true;
  });
  return {
    isAnswered: () => isAnswered,
    end: () => {
      slow.end('--x--\r\n');
      return answered;
    },
  };
}

test('a key’s requests at the same time are held to its concurrency', async () => {
  const key = await createByCommand('busy-one', '--scopes', 'ingest', '--concurrency', '1');
  let held = holdRequest(key);
  const asked = async () => {
    // It was refused itself, as one of these was under way.
    if (held.isAnswered()) held = holdRequest(key);
    await sleep(50);
    return (await call('/v1/models', key)).status;
  };
  await expect.poll(asked, { timeout: 10_000 }).toBe(429);
  const refused = await call('/v1/models', key);
  expect(errorOf(refused.text)).toMatchObject({
    type: 'rate_limit_error',
    message: expect.stringContaining('at most 1 at a time'),
  });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await held.end()).toBe(400);
  await expect.poll(async () => (await call('/v1/models', key)).status).toBe(200);
});

test('each choice counts for a key’s concurrency', async () => {
  const chat = (n: number) =>
    call('/v1/chat/completions', threeAtOnce, {
      method: 'POST',
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Pears?' }], n, max_tokens: 2 }),
    });
  const complete = (prompts: number, n: number) =>
    call('/v1/completions', threeAtOnce, {
      method: 'POST',
      body: JSON.stringify({ prompt: Array(prompts).fill('A pear'), n, max_tokens: 2 }),
    });
  // Waiting would not help: it could never be taken.
  for (const never of [await chat(4), await complete(2, 2)]) {
    expect(never.status).toBe(400);
    expect(errorOf(never.text).message).toContain('this key may have 3 at a time');
  }
  const held = holdRequest(threeAtOnce);
  // Asked too early, three would be let in and the upload refused.
  await sleep(HELD_MS);
  expect((await chat(3)).status).toBe(429);
  expect((await complete(3, 1)).status).toBe(429);
  expect((await chat(2)).status).toBe(200);
  await held.end();
  await expect.poll(async () => (await chat(3)).status, { timeout: 10_000 }).toBe(200);
  expect((await complete(3, 1)).status).toBe(200);
});

test('mistakes in commands are reported, with what to do', async () => {
  const told = async (...args: string[]) => (await espalier(...args)).err;
  expect(await told('key', 'create')).toContain('--tenant is missing');
  expect(await told('key', 'create', '--tenant', 'a', '--scopes', 'all')).toContain(
    'no scope "all"',
  );
  expect(await told('key', 'create', '--tenant', 'a', '--concurrency', '0')).toContain('above 0');
  expect(await told('nonsense')).toContain('Usage:');
  expect(await told('key', 'create', '--frobnicate')).toContain('Usage:');
});

/** `fetch` doesn't let a caller set these headers. */
function callRaw(headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(service.url);
    request({ hostname, port, path: '/v1/models', headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

test('only programs on this machine, and its own page, do without a key', async () => {
  const host = new URL(service.url).host;
  const port = new URL(service.url).port;
  expect(await callRaw({ host })).toBe(200);
  expect(await callRaw({ host: `127.0.0.1:${port}` })).toBe(200);
  expect(await callRaw({ host, authorization: 'Bearer not-one-of-ours' })).toBe(200);
  expect(await callRaw({ host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).toBe(
    200,
  );

  expect(await callRaw({ host: `rebound.example:${port}` })).toBe(401);
  expect(await callRaw({ host, origin: 'https://evil.example' })).toBe(401);
  expect(await callRaw({ host, 'sec-fetch-site': 'cross-site' })).toBe(401);
  expect(await callRaw({ host, 'x-forwarded-for': '203.0.113.9' })).toBe(401);
  expect(await callRaw({ host, 'cf-connecting-ip': '203.0.113.9' })).toBe(401);
  for (const key of ['esp_unknown', 'ESP_unknown', 'esp-unknown', chatter.slice(0, 12)]) {
    expect(await callRaw({ host, authorization: `Bearer ${key}` })).toBe(401);
  }
  for (const header of [
    chatter,
    `Basic ${chatter}`,
    `Bearer ${chatter} x`,
    'Basic bG9jYWw6bG9jYWw=',
    'nonsense',
  ]) {
    expect(await callRaw({ host, authorization: header })).toBe(401);
  }
});

test('what proxies and tunnels add shows that the caller is elsewhere', async () => {
  const { host } = new URL(service.url);
  const headers = [
    ...['forwarded', 'via', 'x-forwarded-host', 'x-real-ip', 'x-client-ip', 'true-client-ip'],
    ...['x-original-forwarded-for', 'x-cluster-client-ip', 'cf-ray', 'fly-client-ip', 'cdn-loop'],
    ...['x-envoy-external-address', 'x-azure-clientip', 'tailscale-user-login', 'ngrok-trace-id'],
  ];
  for (const name of headers) {
    expect([name, await callRaw({ host, [name]: 'x' })]).toEqual([name, 401]);
  }
});

test('no header makes the local runtime believe in another address', async () => {
  const { host, port } = new URL(service.url);
  const rebound = `rebound.example:${port}`;
  const original = { 'mf-original-url': `http://${host}/v1/models` };
  expect(await callRaw({ host: rebound, ...original })).toBe(401);
  expect(await callRaw({ host: rebound, ...original, 'cf-connecting-ip': '127.0.0.1' })).toBe(401);
  expect(await callRaw({ host: rebound, 'x-espalier-local': 'guessed' })).toBe(401);
  // Nor beside the front, where the runtime itself listens.
  const direct = { headers: { ...original, 'x-espalier-local': '' } };
  expect((await fetch(`${service.runtimeUrl}/v1/models`, direct)).status).toBe(401);
});

test('the local runtime’s explorer and other tools answer nobody', async () => {
  const paths = [
    '/cdn-cgi/explorer',
    '/cdn-cgi/explorer/api/d1/database',
    '/%63dn-cgi/explorer',
    '//cdn-cgi/mf/scheduled',
  ];
  for (const path of paths) {
    const response = await fetch(service.url + path);
    expect([path, response.status]).toEqual([path, 404]);
  }
  for (const path of paths.slice(0, 2)) {
    const response = await fetch(service.runtimeUrl + path);
    expect(response.ok && !/no route/.test(await response.text())).toBe(false);
  }
});

test('the pages may be shown in no frame', async () => {
  for (const path of ['/', '/docs', '/app.js']) {
    const { headers } = await fetch(service.url + path);
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-frame-options')).toBe('DENY');
  }
});

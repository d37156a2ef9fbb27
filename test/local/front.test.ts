/** What the front of `npm start` passes on, and what it keeps back. */
import {
  createServer,
  type IncomingHttpHeaders,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFront } from '../../local/front.ts';
import { freePort } from '../../local/process.ts';

const SECRET = 'of this start';

let worker: Server;
let front: Server;
let port: number;
let received: { headers: IncomingHttpHeaders; url: string; method: string; body: string };
/** Numbers of requests that the worker was told to be left. */
const toldLeft: string[] = [];
/** Requests whose client went before they were answered. */
let left = 0;
/** So many requests are lost from now on. */
let losses = 0;
/** Answers that are held until another request comes. */
const held: ServerResponse[] = [];

beforeAll(async () => {
  worker = createServer(async (incoming, response) => {
    if (incoming.url === '/held') return void held.push(response);
    for (const waiting of held.splice(0)) waiting.end('late');
    if (incoming.url === '/cut') {
      response.write('half');
      setTimeout(() => response.destroy(), 20);
      return;
    }
    if (incoming.url === '/local/left') {
      expect(incoming.headers['x-espalier-local']).toBe(SECRET);
      toldLeft.push(incoming.headers['x-espalier-request'] as string);
      response.writeHead(204).end();
      return;
    }
    if (incoming.url === '/waits') {
      received = { headers: incoming.headers, url: '/waits', method: 'GET', body: '' };
      return;
    }
    if (incoming.url === '/proxy') {
      response.writeHead(503, { 'content-type': 'text/plain' }).end('Your worker restarted');
      return;
    }
    if (incoming.url === '/lost' && losses > 0) {
      losses--;
      response.writeHead(503).end('Your worker restarted');
      return;
    }
    if (incoming.url === '/slow') {
      response.write('first');
      response.on('close', () => left++);
      return;
    }
    let body = '';
    for await (const part of incoming.setEncoding('utf8')) body += part;
    received = { headers: incoming.headers, url: incoming.url!, method: incoming.method!, body };
    response.writeHead(201, [
      ...['set-cookie', 'a=1', 'set-cookie', 'b=2'],
      ...['content-type', 'text/plain'],
    ]);
    response.end('answered');
  });
  await new Promise<void>((listening) => worker.listen(0, '127.0.0.1', listening));
  port = await freePort();
  const workerPort = (worker.address() as AddressInfo).port;
  front = await startFront({ port, workerPort, secret: SECRET });
});

afterAll(() => {
  for (const server of [front, worker]) {
    server.closeAllConnections();
    server.close();
  }
});

test('method, path, body, status and headers pass as they are', async () => {
  const response = await fetch(`http://127.0.0.1:${port}/v1/x?y=%2F`, {
    method: 'PUT',
    body: 'é'.repeat(1e5),
  });
  expect([response.status, await response.text()]).toEqual([201, 'answered']);
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(received).toMatchObject({ method: 'PUT', url: '/v1/x?y=%2F', body: 'é'.repeat(1e5) });
});

test('a lone request that the worker repeats only when another one comes is answered', async () => {
  const response = await fetch(`http://127.0.0.1:${port}/held`);
  expect(await response.text()).toBe('late');
});

/** `fetch` doesn't let a caller set these headers. */
function ask(headers: Record<string, string>): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, headers }, (response) => {
      response.resume().on('end', () => resolve(received.headers));
    })
      .on('error', reject)
      .end();
  });
}

test('it vouches for this machine alone, whatever the client says of itself', async () => {
  const local = async (headers: Record<string, string>) =>
    (await ask(headers))['x-espalier-local'] === SECRET;
  const host = `localhost:${port}`;
  expect(await local({ host })).toBe(true);
  expect(await local({ host: `[::1]:${port}`, origin: `http://[::1]:${port}` })).toBe(true);
  expect(await local({ host, origin: 'http://localhost:3000' })).toBe(false);
  expect(await local({ host, origin: 'null' })).toBe(false);
  expect(await local({ host, 'sec-fetch-site': 'same-site' })).toBe(false);
  expect(await local({ host: 'localhost.evil.example' })).toBe(false);
  expect(await local({ host: '127.0.0.1.nip.io' })).toBe(false);
  expect(await local({ host, forwarded: 'for=203.0.113.9' })).toBe(false);
  expect(
    (await ask({ host: 'evil.example', 'x-espalier-local': SECRET }))['x-espalier-local'],
  ).toBeUndefined();
});

test('what the local runtime would act on does not get there', async () => {
  const headers = await ask({
    'mf-original-url': 'http://localhost/',
    'CF-Connecting-IP': '127.0.0.1',
    'mf-x': '1',
  });
  expect(Object.keys(headers).filter((name) => /^(mf|cf)-/.test(name))).toEqual([]);
});

test('an answer that is cut off ends as one, and a client that leaves ends its turn', async () => {
  const cut = await fetch(`http://127.0.0.1:${port}/cut`);
  await expect(cut.text()).rejects.toThrow();
  const leaving = new AbortController();
  const slow = await fetch(`http://127.0.0.1:${port}/slow`, { signal: leaving.signal });
  await slow.body!.getReader().read();
  leaving.abort();
  await expect.poll(() => left).toBe(1);
});

test('while the worker is away it says when to come again', async () => {
  const [lonelyPort, nobody] = [await freePort(), await freePort()];
  const lonely = await startFront({ port: lonelyPort, workerPort: nobody, secret: SECRET });
  const response = await fetch(`http://127.0.0.1:${lonelyPort}/v1/models`);
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await response.json()).toMatchObject({ error: { code: 'overloaded' } });
  lonely.close();
});

test('what only reads is asked again when the runtime has lost it, and what writes is not', async () => {
  const asked = () => fetch(`http://127.0.0.1:${port}/lost`);
  losses = 2;
  expect((await asked()).status).toBe(201);
  expect(losses).toBe(0);
  losses = 2;
  const written = await fetch(`http://127.0.0.1:${port}/lost`, { method: 'POST', body: 'once' });
  expect([written.status, losses]).toEqual([503, 1]);
});

test('the worker is told of a client that leaves before its answer begins, by a number of the front’s', async () => {
  const leaving = new AbortController();
  const headers = { 'x-espalier-request': 'mine' };
  const asked = fetch(`http://127.0.0.1:${port}/waits`, { signal: leaving.signal, headers });
  await expect.poll(() => received.url).toBe('/waits');
  const number = received.headers['x-espalier-request'];
  expect(number).toMatch(/^[0-9a-f-]{36}$/);
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await expect.poll(() => toldLeft).toEqual([number]);
  await (await fetch(`http://127.0.0.1:${port}/v1/x`)).text();
  expect(toldLeft).toEqual([number]);
});

test('what the runtime’s proxy says of a busy worker is said in OpenAI’s form, with when to come again', async () => {
  const response = await fetch(`http://127.0.0.1:${port}/proxy`, { method: 'POST' });
  expect(response.status).toBe(503);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await response.json()).toMatchObject({
    error: { type: 'server_error', code: 'overloaded', message: expect.stringContaining('again') },
  });
});

/** What comes back for these bytes: a status, and the body where it is JSON. */
function sendRaw(bytes: string): Promise<{ status: number; error: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.on('error', reject).on('data', (part) => {
      answer += part;
    });
    socket.on('close', () => {
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const json = /\{.*\}/s.exec(body)?.[0];
      resolve({ status: Number(head.split(' ')[1]), error: json ? JSON.parse(json).error : {} });
    });
  });
}

const HOST = 'Host: localhost\r\n';
const TOOLS = '/cdn-cgi/mf/scheduled';

test.each([
  `/.${TOOLS}`,
  `/x/..${TOOLS}`,
  `/%2e${TOOLS}`,
  `/x/%2E%2e${TOOLS}`,
  '/x/..\\cdn-cgi/explorer',
  '/%5ccdn-cgi/explorer',
  `/health/../${TOOLS}?a=b`,
])('the local runtime’s tools are not reached by another way: %s', async (path) => {
  const { status, error } = await sendRaw(
    `GET ${path} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  );
  expect(status).toBe(404);
  expect(error).toMatchObject({ type: 'invalid_request_error' });
});

test.each([
  ['what is no HTTP', 'garbage\r\n\r\n', 400, /not valid HTTP/],
  [
    'an address that is no path',
    `GET http://localhost${TOOLS} HTTP/1.1\r\n${HOST}\r\n`,
    400,
    /a path/,
  ],
  ['a star for a path', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 400, /a path/],
  ['no host', 'GET / HTTP/1.1\r\n\r\n', 400, /"Host" is missing/],
  ['a host that is none', 'GET / HTTP/1.1\r\nHost: a:80:90\r\n\r\n', 400, /"Host" must be/],
  [
    'headers that are too long',
    `GET / HTTP/1.1\r\n${HOST}x: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
    /shorten/,
  ],
  [
    'two lengths of a body',
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    /not valid HTTP/,
  ],
  [
    'a body whose chunk has no size',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    400,
    /not valid HTTP/,
  ],
  [
    'a packed body',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    400,
    /"Transfer-Encoding" may only be/,
  ],
  [
    'another expectation',
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\nExpect: 200-ok\r\nConnection: close\r\n\r\n`,
    417,
    /"100-continue"/,
  ],
])('%s is refused in OpenAI’s form', async (_, bytes, status, message) => {
  const { error, ...answer } = await sendRaw(bytes);
  expect(answer.status).toBe(status);
  expect(error).toMatchObject({ type: 'invalid_request_error', param: null, code: null });
  expect(error.message).toMatch(message);
});

/** While a large body is read, others are served. */
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { readForm } from '../../src/api/body/read.ts';

const CHUNK = 64 * 1024;

/** Sends all of `bytes` as fast as it is taken. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + CHUNK));
      at += CHUNK;
    },
  });
}

test('timers fire once for each 256 kB of an upload, and nothing of it is lost', async () => {
  const app = new Hono().post('/', async (c) => {
    const file = (await readForm(c)).get('file') as File;
    return c.json(file.size);
  });
  const form = new FormData();
  form.append('file', new File([new Uint8Array(4 * 1024 * 1024).fill(65)], 'a.txt'));
  const encoded = new Request('http://localhost/', { method: 'POST', body: form });
  const headers = { 'content-type': encoded.headers.get('content-type')! };
  const body = streamOf(new Uint8Array(await encoded.arrayBuffer()));
  let fired = 0;
  const timer = setInterval(() => fired++, 0);
  const response = await app.request('/', {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as never);
  clearInterval(timer);
  expect(await response.json()).toBe(4 * 1024 * 1024);
  expect(fired).toBeGreaterThanOrEqual(16);
});

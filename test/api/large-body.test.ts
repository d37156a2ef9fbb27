/** While a large body is read, others are served; one that is too large or breaks off is refused. */
import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { readBytes, readForm } from '../../src/api/body/read.ts';
import { type ApiFailure, toResponse } from '../../src/api/errors.ts';
import { BYTES_AT_ONCE } from '../../src/pause.ts';

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

describe('a body that is counted as it comes', () => {
  const app = new Hono().post('/', async (c) => c.json((await readBytes(c)).byteLength));
  app.onError((error) => toResponse((error as ApiFailure).error));
  /** The most that a body of another kind than a form may have. */
  const MAX = 2 * 1024 * 1024;

  const post = (body: ReadableStream<Uint8Array>, headers = {}) =>
    app.request('/', { method: 'POST', headers, body, duplex: 'half' } as never);

  test('is refused with a 413 once it is too large, and its source is cancelled', async () => {
    let sent = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += CHUNK;
        controller.enqueue(new Uint8Array(CHUNK));
      },
      cancel() {
        cancelled = true;
      },
    });
    const response = await post(endless);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining('may have 2097152 bytes') },
    });
    expect(cancelled).toBe(true);
    // What lies in queues was taken, too.
    expect(sent).toBeLessThan(MAX + 8 * CHUNK);
  });

  test('is a 400 where its source breaks off during a pause, and nothing is left unhandled', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    let source!: ReadableStreamDefaultController<Uint8Array>;
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        source = controller;
        // As much as is followed by a pause.
        controller.enqueue(new Uint8Array(BYTES_AT_ONCE));
      },
    });
    const answered = post(broken);
    // The part was read by now: only the pause's timer is waited for.
    await new Promise((resolve) => setImmediate(resolve));
    source.error(new Error('the client is gone'));
    const response = await answered;
    expect(response.status).toBe(400);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  test.each([
    [MAX, 200],
    [MAX + 1, 413],
  ])('may come in one huge part: %i bytes are a %i', async (bytes, status) => {
    const part = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(bytes));
        controller.close();
      },
    });
    const response = await post(part);
    expect(response.status).toBe(status);
    if (status === 200) expect(await response.json()).toBe(bytes);
  });
});

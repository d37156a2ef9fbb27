/** What a request counts for at its key's limiter, until its answer's last byte. */

import { Hono } from 'hono';
import { expect, test, vi } from 'vitest';
import { passOn } from '../../src/api/answers/client-stream.ts';
import { eventStream, type Streamed } from '../../src/api/answers/event-stream.ts';
import type { AppEnv } from '../../src/api/context.ts';
import { cancelled } from '../../src/api/errors.ts';
import { HeldLease } from '../../src/api/middleware/held-lease.ts';
import { LEASE_MS, RequestMeter } from '../../src/meter/request-meter.ts';
import { holdTime } from '../support/reader-time.ts';

const LIMITS = { requestsPerMinute: 1_000, concurrency: 1 };

holdTime();

/** A meter with one place, and a request that has it. */
function takePlace() {
  const meter = new RequestMeter();
  const lease = meter.admit(LIMITS, Date.now()).lease!;
  const held = new HeldLease(
    () => meter.renew(lease, Date.now()),
    () => meter.release(lease),
  );
  return { held, full: () => meter.admit(LIMITS, Date.now()).refusal === 'concurrency' };
}

/** An answer in events as the API sends it: its body, and when it is over. */
async function stream(
  write: Streamed['write'],
  leave = () => {},
): Promise<[Response, Promise<void>]> {
  const app = new Hono<AppEnv>();
  let sent: Promise<void> | undefined;
  app.get('/', (c) => {
    const response = eventStream(c, { write, leave, end() {}, failure: (error) => error });
    sent = c.var.sent;
    return response;
  });
  return [await app.request('/'), sent!];
}

test('an answer that takes longer than a lease counts until its last byte', async () => {
  const { held, full } = takePlace();
  let say = () => {};
  const said = new Promise<void>((resolve) => {
    say = resolve;
  });
  const [response, sent] = await stream(async (send) => {
    await said;
    await send({ last: true });
  });
  await vi.advanceTimersByTimeAsync(3 * LEASE_MS);
  expect(full()).toBe(true);
  held.until(sent);
  const text = response.text();
  await vi.advanceTimersByTimeAsync(3 * LEASE_MS);
  expect(full()).toBe(true);
  say();
  expect(await text).toBe('data: {"last":true}\n\ndata: [DONE]\n\n');
  await sent;
  expect(full()).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test('an answer that is kept as well counts until its reader has it, not its keeper', async () => {
  const { held, full } = takePlace();
  const [answer] = await stream(async (send) => {
    for (let i = 0; i < 4; i++) await send({ i });
  });
  const [mine, kept] = answer.body!.tee();
  const { readable, sent } = passOn(mine);
  held.until(sent);
  expect(await new Response(kept).text()).toContain('[DONE]');
  await vi.advanceTimersByTimeAsync(3 * LEASE_MS);
  expect(full()).toBe(true);
  expect(await new Response(readable).text()).toContain('[DONE]');
  await sent;
  expect(full()).toBe(false);
});

test('a reader that leaves gives its lease back, and so does a stream that breaks', async () => {
  const left = takePlace();
  let endSilence: (reason: Error) => void = () => {};
  const silence = new Promise<never>((_, reject) => {
    endSilence = reject;
  });
  const [endless, gone] = await stream(
    () => silence,
    () => endSilence(new Error('left')),
  );
  left.held.until(gone);
  await endless.body!.cancel();
  await gone;
  expect(left.full()).toBe(false);

  const broken = takePlace();
  const [breaking, over] = await stream(() => Promise.reject(cancelled('cut')));
  broken.held.until(over);
  expect(await breaking.text()).toContain('"error"');
  await over;
  expect(broken.full()).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test('an answer that is whole at once counts no longer', () => {
  const { held, full } = takePlace();
  held.until(undefined);
  expect(full()).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

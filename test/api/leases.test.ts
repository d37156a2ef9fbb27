/** What a request counts for at its key's limiter, until its answer's last byte. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HeldLease } from '../../src/api/middleware/held-lease.ts';
import { LEASE_MS, RequestMeter } from '../../src/meter/request-meter.ts';

const LIMITS = { requestsPerMinute: 1_000, concurrency: 1 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

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

const streamed = (body: ReadableStream<Uint8Array>) =>
  new Response(body, { headers: { 'content-type': 'text/event-stream' } });

test('an answer that takes longer than a lease counts until its last byte', async () => {
  const { held, full } = takePlace();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  await vi.advanceTimersByTimeAsync(3 * LEASE_MS);
  expect(full()).toBe(true);
  const text = held.untilSent(streamed(readable)).text();
  await vi.advanceTimersByTimeAsync(3 * LEASE_MS);
  expect(full()).toBe(true);
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode('data: [DONE]'));
  await writer.close();
  expect(await text).toBe('data: [DONE]');
  expect(full()).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test('a reader that leaves gives its lease back, and so does a stream that breaks', async () => {
  const left = takePlace();
  const endless = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  await left.held.untilSent(streamed(endless)).body!.cancel();
  expect(left.full()).toBe(false);

  const broken = takePlace();
  const breaking = new ReadableStream<Uint8Array>({
    pull: () => Promise.reject(new Error('cut')),
  });
  await expect(broken.held.untilSent(streamed(breaking)).text()).rejects.toThrow('cut');
  expect(broken.full()).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test('an answer that is whole at once counts no longer', () => {
  const { held, full } = takePlace();
  const response = Response.json({});
  expect(held.untilSent(response)).toBe(response);
  expect(full()).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

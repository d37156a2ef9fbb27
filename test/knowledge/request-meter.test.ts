/** Rate and concurrency by a clock of our own. */
import { expect, test } from 'vitest';
import { LEASE_MS, RequestMeter } from '../../src/meter/request-meter.ts';

test('a minute’s requests at once, then as fast as they fill', () => {
  const meter = new RequestMeter();
  const limits = { requestsPerMinute: 6, concurrency: 100 };
  for (let i = 0; i < 6; i++) expect(meter.admit(limits, 0).remaining).toBe(5 - i);
  expect(meter.admit(limits, 0)).toMatchObject({
    lease: null,
    refusal: 'rate',
    retryAfterMs: 10_000,
  });
  expect(meter.admit(limits, 9_999).refusal).toBe('rate');
  expect(meter.admit(limits, 10_000).refusal).toBeNull();
  expect(meter.admit(limits, 10_000).refusal).toBe('rate');
  expect(meter.admit(limits, 3_600_000)).toMatchObject({ remaining: 5, resetMs: 10_000 });
});

test('requests at a time: given back, or ended by themselves', () => {
  const meter = new RequestMeter();
  const limits = { requestsPerMinute: 1_000_000, concurrency: 2 };
  const first = meter.admit(limits, 0);
  expect(meter.admit(limits, 1).lease).not.toBeNull();
  expect(meter.admit(limits, 2)).toMatchObject({ lease: null, refusal: 'concurrency' });
  meter.release(first.lease!);
  meter.release(first.lease!);
  expect(meter.admit(limits, 3).refusal).toBeNull();
  expect(meter.admit(limits, 4).refusal).toBe('concurrency');
  expect(meter.admit(limits, LEASE_MS + 1).refusal).toBeNull();
});

test('a request for several answers counts each, once there is room for all', () => {
  const meter = new RequestMeter();
  const limits = { requestsPerMinute: 1_000_000, concurrency: 5 };
  const other = meter.admit(limits, 0).lease!;
  meter.admit(limits, 0);
  const several = meter.admit(limits, 0).lease!;
  expect(meter.widen(several, 4, limits, 1)).toBe(false);
  expect(meter.widen(several, 3, limits, 1)).toBe(true);
  expect(meter.admit(limits, 2).refusal).toBe('concurrency');
  meter.release(other);
  expect(meter.widen(several, 4, limits, 3)).toBe(true);
  meter.release(several);
  for (let i = 0; i < 4; i++) expect(meter.admit(limits, 4).refusal).toBeNull();
  expect(meter.admit(limits, 4).refusal).toBe('concurrency');
  // Whoever forgot a lease forgives.
  expect(meter.widen(several, 99, limits, 5)).toBe(true);
});

test('what is renewed goes on to count, and what is not ends', () => {
  const meter = new RequestMeter();
  const limits = { requestsPerMinute: 1_000_000, concurrency: 2 };
  const long = meter.admit(limits, 0).lease!;
  meter.admit(limits, 0);
  meter.renew(long, LEASE_MS / 2);
  expect(meter.admit(limits, LEASE_MS - 1).refusal).toBe('concurrency');
  expect(meter.admit(limits, LEASE_MS + 1).refusal).toBeNull();
  expect(meter.admit(limits, LEASE_MS + 2).refusal).toBe('concurrency');
  expect(meter.admit(limits, 1.5 * LEASE_MS + 1).refusal).toBeNull();
});

test('a clock that goes back gives nothing and takes nothing', () => {
  const meter = new RequestMeter();
  const limits = { requestsPerMinute: 2, concurrency: 9 };
  meter.admit(limits, 60_000);
  expect(meter.admit(limits, 0).remaining).toBe(0);
  expect(meter.admit(limits, 0).refusal).toBe('rate');
});

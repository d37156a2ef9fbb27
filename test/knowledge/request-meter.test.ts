/** Rate and concurrency by a clock of our own. */
import { expect, test } from 'vitest';
import { LEASE_MS, RequestMeter } from '../../src/store/request-meter.ts';

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

test('a clock that goes back gives nothing and takes nothing', () => {
  const meter = new RequestMeter();
  const limits = { requestsPerMinute: 2, concurrency: 9 };
  meter.admit(limits, 60_000);
  expect(meter.admit(limits, 0).remaining).toBe(0);
  expect(meter.admit(limits, 0).refusal).toBe('rate');
});

/** Texts and lists of ids are encoded in slices before they are embedded. */
import { expect, test, vi } from 'vitest';
import { ENCODED_A_SLICE, encodeAll } from '../../src/retrieve/embed/encode-all.ts';

test('others are served between two long lists, and not for every short one', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const pausesBefore = async (lists: readonly number[][]) => {
    timers.mockClear();
    return encodeAll(lists, () => timers.mock.calls.length);
  };
  const long = Array.from({ length: ENCODED_A_SLICE }, () => 1);
  expect(await pausesBefore([long, long, [1], long])).toEqual([0, 1, 2, 2]);
  expect(await pausesBefore(Array.from({ length: 256 }, () => [1]))).not.toContain(1);
  timers.mockRestore();
});

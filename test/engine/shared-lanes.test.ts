/** Sessions of a pool share a lane; idle slots between them bring no step over what a device multiplies at once. */
import { expect, it } from 'vitest';
import type { KvPool } from '../../gpu-backend/engine/kv-pool.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { packedRowsOf, type Sharing, spansOf } from '../../gpu-backend/engine/shared-lanes.ts';
import { KvSlot } from '../../gpu-backend/engine/slots.ts';
import { chainRow, maxDifference } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const [short, long] = [{ stride: 288 }, { stride: 544 }] as unknown as [KvPool, KvPool];
const SHARING: Sharing = { least: 1, mostLanes: 2, packedRows: 16 };

/** First and last slot and the rows of each span. */
function spans(sharers: readonly (readonly [KvPool, number, number])[], sharing: Sharing) {
  const of = sharers.map(([pool, index, rows]) => ({ slot: new KvSlot(pool, index, 256), rows }));
  return spansOf(of, sharing).map(({ first, last, rows }) => [first.index, last.index, rows]);
}

it.each<[string, [KvPool, number, number][], Partial<Sharing>, number[][]]>([
  [
    'neighbours share one',
    [
      [short, 0, 4],
      [short, 1, 6],
    ],
    {},
    [[0, 1, 6]],
  ],
  [
    'idle slots between them cut it in two',
    [
      [short, 0, 4],
      [short, 5, 6],
    ],
    {},
    [
      [0, 0, 4],
      [5, 5, 6],
    ],
  ],
  [
    'at the widest gap',
    [
      [short, 0, 2],
      [short, 1, 3],
      [short, 6, 4],
    ],
    {},
    [
      [0, 1, 3],
      [6, 6, 4],
    ],
  ],
  [
    'not where nothing depends on it',
    [
      [short, 0, 4],
      [short, 5, 6],
    ],
    { packedRows: 99 },
    [[0, 5, 6]],
  ],
  [
    'nor where no lane is left',
    [
      [short, 0, 4],
      [short, 5, 6],
    ],
    { mostLanes: 1 },
    [[0, 5, 6]],
  ],
  [
    'nor where it would not help',
    [
      [short, 0, 9],
      [short, 5, 8],
    ],
    {},
    [[0, 5, 9]],
  ],
  [
    'each pool has its own',
    [
      [short, 0, 2],
      [long, 0, 3],
      [short, 1, 4],
    ],
    {},
    [
      [0, 1, 4],
      [0, 0, 3],
    ],
  ],
])('%s', (_, sharers, own, expected) => {
  expect(spans(sharers, { ...SHARING, ...own })).toEqual(expected);
});

it('matrices of 8 bits are unpacked sooner than those of 4', () => {
  expect(packedRowsOf(['blocks4', 'blocks4'])).toBe(16);
  expect(packedRowsOf(['blocks4', 'blocks8'])).toBe(5);
  expect(packedRowsOf(['dense'])).toBe(Number.POSITIVE_INFINITY);
});

it('computes the same in one lane and in two', async () => {
  const options = {
    slots: 3,
    maxContext: 64,
    threads: 1,
    cacheFolder,
    quantization: 'int4',
  } as const;
  const plain = await openEngine(SMALL, { ...options, attention: 'fused' });
  const shared = await openEngine(SMALL, { ...options, attention: 'fused', sharedLanes: true });
  expect(shared.parts.packedRows).toBe(16);
  const steps = [plain, shared].map(async (engine) => {
    const slots = ['a', 'b', 'c'].map((name) => engine.acquire(Int32Array.of(1), 64, name)!);
    // 18 rows with the slot between them.
    const rows = [chainRow(slots[0]!, [1, 2, 3, 4, 5, 6]), chainRow(slots[2]!, [7, 8, 9])];
    await engine.loadFor(2);
    await engine.step(rows);
    return rows.flatMap(({ logits }) => [...logits]);
  });
  const [expected, found] = await Promise.all(steps);
  expect(maxDifference(found!, expected!)).toBeLessThan(1e-4);
  plain.close();
  shared.close();
});

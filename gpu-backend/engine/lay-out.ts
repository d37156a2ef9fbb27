/** The memory for keys and values as it is when an engine opens. */
import type { Device } from '../ort/tensor.ts';
import type { Bucket } from './budget.ts';
import type { KvCopier } from './kv-copy.ts';
import { KvPool, type KvShape } from './kv-pool.ts';
import { KvSlot } from './slots.ts';

/** A device takes a pool's memory whole, and clears it faster in one go than by steps. */
export async function clearAll(
  copier: KvCopier,
  pools: readonly KvPool[],
  slots: readonly KvSlot[],
): Promise<void> {
  for (const pool of pools) {
    copier.clear({ pool, slot: 0, token: 0 }, pool.slots * pool.stride);
  }
  for (const slot of slots) slot.cleared = slot.pool.stride;
  await copier.flush();
}

/** Pools for `buckets`, and their slots; behind each slot's capacity there are `tail` rows. */
export function layOut(device: Device, shape: KvShape, buckets: readonly Bucket[], tail: number) {
  const pools: KvPool[] = [];
  const slots: KvSlot[] = [];
  for (const bucket of buckets) {
    const pool = new KvPool(device, shape, bucket.slots, bucket.capacity + tail);
    pools.push(pool);
    for (let index = 0; index < bucket.slots; index++) {
      slots.push(new KvSlot(pool, index, bucket.capacity));
    }
  }
  return { pools, slots };
}

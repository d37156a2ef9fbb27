/** Caches are written where they lie, and nothing is left behind by ten thousand steps. */
import { expect, it } from 'vitest';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { prepareModel } from '../../gpu-backend/builder/prepare.ts';
import { DeviceMemory } from '../../gpu-backend/engine/device-memory.ts';
import type { Slot } from '../../gpu-backend/engine/engine.ts';
import { DeviceCopier, HostCopier, type KvCopier } from '../../gpu-backend/engine/kv-copy.ts';
import { KvPool } from '../../gpu-backend/engine/kv-pool.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { cpuDevice } from '../../gpu-backend/ort/tensor.ts';
import { chainRow, feed } from './driver.ts';
import { settledMemory, steps } from './memory.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const SHAPE = { layers: 2, width: 4, type: 'float32' } as const;

it('the first part of a slot is a view of its memory', () => {
  const pool = new KvPool(cpuDevice(), SHAPE, 3, 64);
  const [keys, values] = pool.view(1, 1, 32);
  expect(keys!.address).toBe(pool.blocks[0]!.address + BigInt(64 * 4 * 4));
  expect(values!.address).toBe(pool.blocks[1]!.address + BigInt(64 * 4 * 4));
  expect(pool.view(1, 1, 32)).toBe(pool.view(1, 1, 32));
  expect(() => pool.view(0, 1, 65)).toThrow(RangeError);
  expect(() => pool.view(0, 2, 32)).toThrow(/not one tensor/);
  pool.release();
});

it('a step writes only its own rows, into the caches it was given', async () => {
  const prepared = prepareModel(readModelFolder(SMALL), cacheFolder, { compute: 'float32' });
  expect(prepared.layout.compute).toBe('float32');
  const engine = await openEngine(SMALL, { slots: 2, maxContext: 128, threads: 1, cacheFolder });
  const slot = engine.acquire(Int32Array.of(1, 2, 3), 100, 'alone')!;
  await feed(engine, slot, [1, 2, 3]);
  const before = cacheBytes(slot);
  await engine.step([chainRow(slot, [4, 5])]);
  const after = cacheBytes(slot);
  expect(after).toHaveLength(before.length);
  const { stride } = poolOf(slot);
  for (const [block, bytes] of after.entries()) {
    const changed = changedRows(before[block]!, bytes, bytes.length / 2 / stride);
    expect(changed).toEqual([3, 4]);
  }
  engine.close();
});

it('memory stays flat over ten thousand steps', async () => {
  const engine = await openEngine(SMALL, { slots: 3, maxContext: 128, threads: 1, cacheFolder });
  await steps(engine, 1_500);
  const before = await settledMemory();
  await steps(engine, 10_000);
  const grown = (await settledMemory()) - before;
  engine.close();
  // A leaked OrtValue takes some 200 bytes, and a step makes about ten.
  expect(grown).toBeLessThan(8 * 2 ** 20);
}, 120_000);

it('opening and closing leaves nothing behind', async () => {
  const open = () => openEngine(SMALL, { slots: 4, maxContext: 256, threads: 1, cacheFolder });
  // The first twenty bring what stays: compiled code, the allocator's arenas, koffi's stacks, 43 MB in all.
  for (let i = 0; i < 25; i++) (await open()).close();
  const before = await settledMemory();
  for (let i = 0; i < 40; i++) (await open()).close();
  // Its keys and values alone are 0.3 MB an engine.
  expect((await settledMemory()) - before).toBeLessThan(8 * 2 ** 20);
}, 120_000);

it.each<[string, (memory: DeviceMemory) => Promise<KvCopier>]>([
  ['in host memory', async () => new HostCopier()],
  ['by a graph', (memory) => DeviceCopier.load(SHAPE, memory, { threads: 1 })],
])('rows are moved %s, overlapping or not', async (_, make) => {
  const memory = await DeviceMemory.open({ threads: 1 });
  const copier = await make(memory);
  const small = new KvPool(cpuDevice(), SHAPE, 2, 16);
  const large = new KvPool(cpuDevice(), SHAPE, 1, 32);
  number(small, 100);
  number(large, 1000);
  copier.copy({ pool: small, slot: 1, token: 5 }, { pool: small, slot: 1, token: 3 }, 6);
  copier.copy({ pool: small, slot: 0, token: 2 }, { pool: large, slot: 0, token: 7 }, 4);
  copier.clear({ pool: large, slot: 0, token: 20 }, 3);
  await copier.flush();
  const rows = (pool: KvPool, slot: number, from: number, to: number) =>
    range(from, to).map((token) => new Float32Array(pool.blocks[3]!.buffer)[at(pool, slot, token)]);
  expect(rows(small, 1, 2, 10)).toEqual([118, 121, 122, 123, 124, 125, 126, 125]);
  expect(rows(large, 0, 6, 12)).toEqual([1006, 102, 103, 104, 105, 1011]);
  expect(rows(large, 0, 19, 24)).toEqual([1019, 0, 0, 0, 1023]);
  copier.release();
  small.release();
  large.release();
  memory.release();
});

/** Gives every row of every block its number, counted over slots, plus `base`. */
function number(pool: KvPool, base: number): void {
  for (const block of pool.blocks) {
    const values = new Float32Array(block.buffer);
    for (let i = 0; i < values.length; i++) values[i] = base + Math.floor(i / SHAPE.width);
  }
}

function at(pool: KvPool, slot: number, token: number): number {
  return pool.offset(slot, token) / Float32Array.BYTES_PER_ELEMENT;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function poolOf(slot: Slot): KvPool {
  return (slot as Slot & { pool: KvPool }).pool;
}

function cacheBytes(slot: Slot): Uint8Array[] {
  return poolOf(slot).blocks.map((block) => new Uint8Array(block.buffer).slice());
}

function changedRows(before: Uint8Array, after: Uint8Array, rowBytes: number): number[] {
  const rows = new Set<number>();
  for (let i = 0; i < after.length; i++) {
    if (before[i] !== after[i]) rows.add(Math.floor(i / rowBytes));
  }
  return [...rows];
}

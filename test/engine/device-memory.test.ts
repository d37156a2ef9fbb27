/** What lies in a device's memory comes there by a graph, piece by piece. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DeviceMemory } from '../../gpu-backend/engine/device-memory.ts';
import { Block, cpuDevice } from '../../gpu-backend/ort/tensor.ts';

const BYTES = 64;
let memory: DeviceMemory;
beforeAll(async () => {
  memory = await DeviceMemory.open({ threads: 1 });
});
afterAll(() => memory.release());

it('writes the beginning of a block where it is told to, and nothing else', async () => {
  const source = new Block(cpuDevice(), BYTES);
  const target = new Block(memory.device, BYTES);
  new Uint8Array(source.buffer).set(Uint8Array.from({ length: BYTES }, (_, i) => i + 1));
  new Uint8Array(target.buffer).fill(0);
  await memory.write(source, target, 8, 16);
  await memory.write(source, target, 40, 4);
  const expected = new Uint8Array(BYTES);
  expected.set(new Uint8Array(source.buffer, 0, 16), 8);
  expected.set(new Uint8Array(source.buffer, 0, 4), 40);
  expect(new Uint8Array(target.buffer)).toEqual(expected);
  source.release();
  target.release();
});

it('refuses what would go beyond a block', async () => {
  const block = new Block(memory.device, BYTES);
  await expect(memory.write(block, block, BYTES - 1, 2)).rejects.toThrow(RangeError);
  block.release();
});

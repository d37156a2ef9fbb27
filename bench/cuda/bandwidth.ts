/** How fast a device's memory is, by a copy within it. */
import { DeviceMemory } from '../../gpu-backend/engine/device-memory.ts';
import type { CudaOptions } from '../../gpu-backend/ort/cuda.ts';
import { Block } from '../../gpu-backend/ort/tensor.ts';
import { timeInTurns } from '../engine/setup.ts';

/** Beyond every cache. */
const BYTES = 2 ** 28;
const REPEATS = 10;

/** Bytes read and written a millisecond. @param cuda undefined for host memory */
export async function bytesPerMillisecond(
  cuda: CudaOptions | undefined,
  leastMs?: number,
): Promise<number> {
  const memory = await DeviceMemory.open({ threads: 1, cuda });
  const [from, to] = [new Block(memory.device, BYTES), new Block(memory.device, BYTES)];
  try {
    const [milliseconds = 0] = await timeInTurns(
      REPEATS,
      [() => memory.write(from, to, 0, BYTES)],
      1,
      leastMs,
    );
    return (2 * BYTES) / milliseconds;
  } finally {
    from.release();
    to.release();
    memory.release();
  }
}

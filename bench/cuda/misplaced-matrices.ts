/** A model's matrices as they came to the device, against those in host memory, which tests hold to the checkpoint. */
import { MemoryForm } from '../../gpu-backend/builder/memory-form.ts';
import type { PreparedModel } from '../../gpu-backend/builder/prepare.ts';
import { DeviceMemory } from '../../gpu-backend/engine/device-memory.ts';
import { SharedWeights } from '../../gpu-backend/engine/shared-weights.ts';
import type { CudaOptions } from '../../gpu-backend/ort/cuda.ts';
import { CudaRuntime } from '../../gpu-backend/ort/cuda-runtime.ts';
import { Block, cpuDevice, type Tensor } from '../../gpu-backend/ort/tensor.ts';

/** So few that every matrix takes several copies. */
const PIECE_BYTES = 1000;

/** Their names. */
export async function misplacedMatrices(
  prepared: PreparedModel,
  cuda: CudaOptions,
): Promise<string[]> {
  const form = new MemoryForm(prepared.model.config, prepared.layout);
  const memory = await DeviceMemory.open({ threads: 1, cuda });
  const onDevice = await SharedWeights.load(prepared, memory, form, PIECE_BYTES);
  const inHost = await SharedWeights.load(prepared, null, form);
  const runtime = new CudaRuntime(cuda.deviceId);
  const misplaced = [...inHost.initializers.tensors].filter(([name, tensor]) => {
    const found = onDevice.initializers.tensors.get(name);
    return !found || !bytesOf(runtime, found).equals(bytesOf(runtime, tensor));
  });
  inHost.release();
  onDevice.release();
  return misplaced.map(([name]) => name);
}

function bytesOf(runtime: CudaRuntime, { address, bytes }: Tensor): Buffer {
  const block = new Block(cpuDevice(), bytes);
  runtime.copy({ to: block.address, from: address, bytes });
  const copy = Buffer.from(block.buffer.slice(0));
  block.release();
  return copy;
}

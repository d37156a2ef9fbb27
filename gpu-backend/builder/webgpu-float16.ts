/**
 * Whether WebGPU's adapter computes in float16. That is an optional feature (`shader-f16`), which
 * ONNX Runtime cannot be asked for: on an adapter without it models load, and the first run fails.
 */
import { InferenceSession } from '../ort/inference-session.ts';
import { Block, cpuDevice } from '../ort/tensor.ts';
import { GraphBuilder } from './onnx.ts';
import type { ComputeType } from './tensor-reader.ts';
import { UnsupportedModelError } from './unsupported.ts';

/** What ONNX Runtime's shader_helper.cc says of the first program in float16. */
const LACKING = 'requires f16 but the device does not support it';

/** Throws where the model is to run on WebGPU in float16 and the adapter has none. */
export async function refuseWithoutFloat16(
  provider: 'cpu' | 'cuda' | 'webgpu' | undefined,
  compute: ComputeType,
): Promise<void> {
  if (provider !== 'webgpu' || compute !== 'float16') return;
  try {
    await addTwoNumbers();
  } catch (cause) {
    if (!(cause as Error).message.includes(LACKING)) throw cause;
    throw new UnsupportedModelError(
      'float16 on a WebGPU adapter without shader-f16',
      'float32: set ESPALIER_TYPE=float32 or leave it out',
    );
  }
}

async function addTwoNumbers(): Promise<void> {
  const graph = new GraphBuilder('half');
  graph.input('number', 'float16', [1]);
  graph.node('Add', ['number', 'number'], 'sum');
  graph.output('sum', 'float16', [1]);
  const options = { threads: 1, webgpu: { everyNode: true } };
  const session = await InferenceSession.load(graph.encode(), '', options);
  const block = new Block(cpuDevice(), 4);
  const tensors = [0, 2].map((offset) => block.tensor('float16', [1], offset));
  const binding = session.bind();
  try {
    binding.input('number', tensors[0]!);
    binding.output('sum', tensors[1]!);
    await session.run(binding);
  } finally {
    for (const part of [binding, ...tensors, block, session]) part.release();
  }
}

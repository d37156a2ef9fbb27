/** What a step should take, from the model's shape and the kind of device alone: a start for what is measured. */
import type { DecoderConfig } from '../builder/config.ts';
import type { WeightLayout } from '../builder/convert.ts';
import type { Device } from '../ort/tensor.ts';
import type { CostPrior } from './cost-model.ts';

/** What a device does, within a factor of some three; only how its parts relate matters, as the first step sets the scale. */
interface Speed {
  /** Multiplications and additions a millisecond in matrix products over a few dozen rows. */
  operations: number;
  /** The same in attention, whose products are thin. */
  attention: number;
  /** Bytes of weights read a millisecond. */
  bytes: number;
}

/** Two operators of a core with AVX-512, and one channel of memory. */
const cpuSpeed = (threads: number): Speed => ({
  operations: 45e6 * threads,
  attention: 10e6 * threads,
  bytes: 15e6,
});
/** A data-centre GPU in float16. */
const CUDA_SPEED: Speed = { operations: 100e9, attention: 10e9, bytes: 1.5e9 };
/** A laptop's GPU in float32. */
const WEBGPU_SPEED: Speed = { operations: 0.5e9, attention: 0.1e9, bytes: 50e6 };
/** Starting the operators of a layer, and those that a further lane adds to it. */
const LAYER_MS = 0.03;
const LANE_LAYER_MS = 0.01;

function speedOf(device: Device['name'], threads: number): Speed {
  return { cpu: cpuSpeed(threads), cuda: CUDA_SPEED, webgpu: WEBGPU_SPEED }[device];
}

/** The same of a few matrices of `bytes` in one run, where a row is multiplied by `multiplied` weights. */
export function priorOfMatrices(
  bytes: number,
  multiplied: number,
  device: Device['name'],
  threads: number,
): CostPrior {
  const speed = speedOf(device, threads);
  const run = bytes / speed.bytes + LAYER_MS;
  return { run, row: (2 * multiplied) / speed.operations, attended: 0, lane: 0 };
}

export function priorOf(
  config: DecoderConfig,
  layout: WeightLayout,
  device: Device['name'],
  threads: number,
): CostPrior {
  const { layers, heads, kvHeads, headDim, hiddenSize, intermediateSize, vocabSize } = config;
  const speed = speedOf(device, threads);
  const attentionWeights = hiddenSize * headDim * 2 * (heads + kvHeads);
  const layerWeights = attentionWeights + 3 * hiddenSize * intermediateSize;
  const multiplied = layers * layerWeights + vocabSize * hiddenSize;
  const parts = Object.values(layout.matrices).flatMap((matrix) => Object.values(matrix.parts));
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  return {
    run: bytes / speed.bytes + layers * LAYER_MS,
    row: (2 * multiplied) / speed.operations,
    attended: (4 * layers * heads * headDim) / speed.attention,
    lane: layers * LANE_LAYER_MS,
  };
}

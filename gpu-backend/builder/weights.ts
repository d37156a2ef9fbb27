/**
 * A checkpoint's weights as the graph uses them. What already has the right
 * form stays in its .safetensors file; the rest is converted once into a file
 * of our own. Conversion streams one tensor at a time.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { DecoderConfig } from './config.ts';
import { narrow, widen } from './float16.ts';
import { type ExternalData, type GraphBuilder, MICROSOFT } from './onnx.ts';
import { ropeTables } from './rope.ts';
import type { StoredTensor } from './safetensors.ts';

/** The type that the graph computes in. */
export type ComputeType = 'float32' | 'float16';

export interface PlacedTensor extends ExternalData {
  shape: readonly number[];
}

/** Where every tensor of the checkpoint lies, by the checkpoint's own names. Plain data: it is kept as JSON. */
export interface WeightLayout {
  compute: ComputeType;
  tensors: Record<string, PlacedTensor>;
}

/** Initializers are mapped into memory; ORT wants them on such boundaries. */
const ALIGNMENT = 4096;

/** Converts all tensors into one file at `path`; `fileName` is how the graph will call it. */
export function convertWeights(
  stored: Iterable<StoredTensor>,
  compute: ComputeType,
  path: string,
  fileName: string,
): WeightLayout {
  const tensors: Record<string, PlacedTensor> = {};
  const target = openSync(path, 'w');
  try {
    let offset = 0;
    for (const tensor of stored) {
      const data = convert(readTensor(tensor), tensor.type, compute);
      writeSync(target, data, 0, data.byteLength, offset);
      tensors[tensor.name] = {
        file: fileName,
        offset,
        bytes: data.byteLength,
        shape: tensor.shape,
      };
      offset = Math.ceil((offset + data.byteLength) / ALIGNMENT) * ALIGNMENT;
    }
  } finally {
    closeSync(target);
  }
  return { compute, tensors };
}

export function readTensor(tensor: StoredTensor): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(tensor.bytes));
  const source = openSync(tensor.file, 'r');
  try {
    let done = 0;
    while (done < bytes.length) {
      const read = readSync(source, bytes, done, bytes.length - done, tensor.offset + done);
      if (read === 0) throw new Error(`${tensor.file} ends inside "${tensor.name}"`);
      done += read;
    }
  } finally {
    closeSync(source);
  }
  return bytes;
}

/** A tensor's bytes in the type that the graph computes in. */
export function convert(
  bytes: Uint8Array<ArrayBuffer>,
  from: StoredTensor['type'],
  to: ComputeType,
): Uint8Array {
  if (from === 'F32') {
    return to === 'float32' ? bytes : asBytes(narrow(new Float32Array(bytes.buffer)));
  }
  if (from === 'F16' && to === 'float16') return bytes;
  const wide = widen(from, new Uint16Array(bytes.buffer));
  return asBytes(to === 'float32' ? wide : narrow(wide));
}

function asBytes(array: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Adds a checkpoint's tensors to a graph under the checkpoint's names. */
export class Weights {
  readonly compute: ComputeType;
  private readonly config: DecoderConfig;
  private readonly tensors: Record<string, PlacedTensor>;
  private readonly maxContext: number;
  private readonly added = new Set<string>();

  constructor(config: DecoderConfig, layout: WeightLayout, maxContext: number) {
    this.config = config;
    this.compute = layout.compute;
    this.tensors = layout.tensors;
    this.maxContext = maxContext;
  }

  /** rope_cos and rope_sin, [maxContext, headDim / 2]. */
  rope(graph: GraphBuilder): void {
    const { rope, headDim } = this.config;
    const tables = ropeTables(rope, headDim, this.maxContext);
    for (const [name, table] of Object.entries(tables)) {
      const data = this.compute === 'float32' ? table : narrow(table);
      graph.constant(`rope_${name}`, this.compute, [this.maxContext, headDim / 2], data);
    }
  }

  /** The embedding table [vocab, hidden]. Some tied checkpoints store it as lm_head alone. */
  embedding(graph: GraphBuilder): string {
    const name = 'model.embed_tokens.weight';
    return this.vector(graph, name in this.tensors ? name : 'lm_head.weight');
  }

  /** Any tensor as it is. */
  vector(graph: GraphBuilder, name: string): string {
    const tensor = this.tensors[name];
    if (!tensor) throw new Error(`the checkpoint has no tensor "${name}"`);
    if (!this.added.has(name)) graph.external(name, this.compute, tensor.shape, tensor);
    this.added.add(name);
    return name;
  }

  /** x · Wᵀ (+ bias): checkpoints store [out, in], which the operator reads as it lies. */
  linear(graph: GraphBuilder, input: string, layer: string, output: string): string {
    const bias = `${layer}.bias`;
    const product = bias in this.tensors ? `${output}.product` : output;
    const weight =
      layer === 'lm_head' && (this.config.tiedEmbeddings || !('lm_head.weight' in this.tensors))
        ? this.embedding(graph)
        : this.vector(graph, `${layer}.weight`);
    graph.node('FusedMatMul', [input, weight], product, { transB: 1 }, MICROSOFT);
    if (product === output) return output;
    return graph.node('Add', [product, this.vector(graph, bias)], output);
  }
}

/**
 * Converts a checkpoint's weights once into the form that the graph uses. What
 * already has that form stays in the checkpoint's file, which is only linked
 * beside the rest: ORT maps files, but none outside the graph's folder.
 */
import { extname, join } from 'node:path';
import { narrow } from './float16.ts';
import { linkOrCopy } from './link-or-copy.ts';
import type { ExternalData } from './onnx.ts';
import { type Quantization, quantizeRows } from './quantize.ts';
import type { StoredTensor, StoredType } from './stored-tensor.ts';
import { asBytes, type ComputeType, readAs, readRows } from './tensor-reader.ts';
import { WeightFile } from './weight-file.ts';

interface DenseTensor extends ExternalData {
  form: 'dense';
  shape: readonly number[];
}

/** A matrix in MatMulNBits' layout; `scales` are of the compute type. */
export interface QuantizedTensor extends ExternalData {
  form: Quantization;
  shape: readonly number[];
  scales: ExternalData;
}

/** Where every tensor lies, by the checkpoint's own names. Plain data: it is kept as JSON. */
export interface WeightLayout {
  compute: ComputeType;
  /** Look-up tables, norms, biases and matrices that are not quantised. */
  dense: Record<string, DenseTensor>;
  quantized: Record<string, QuantizedTensor>;
}

export interface ConvertOptions {
  compute: ComputeType;
  quantization?: Quantization | undefined;
  /** Called after each tensor with the bytes read so far and in all. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

const CONVERTED_FILE = 'weights.bin';
const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const COMPUTE_TYPE_OF: Partial<Record<StoredType, ComputeType>> = {
  F32: 'float32',
  F16: 'float16',
};

/** Converts into `folder`, a few tens of megabytes at a time. */
export function convertWeights(
  stored: ReadonlyMap<string, StoredTensor>,
  folder: string,
  { compute, quantization, onProgress }: ConvertOptions,
): WeightLayout {
  const layout: WeightLayout = { compute, dense: {}, quantized: {} };
  const file = new WeightFile(folder, CONVERTED_FILE);
  const links = new LinkedFiles(folder);
  const total = [...stored.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  try {
    for (const tensor of stored.values()) {
      const { name, shape, bytes } = tensor;
      if (quantization && isMatrix(name)) {
        layout.quantized[name] = quantize(tensor, quantization, compute, file);
      } else {
        const data = isInPlace(tensor, compute)
          ? { file: links.link(tensor.file), offset: tensor.offset, bytes }
          : file.append(readAs(tensor, compute));
        layout.dense[name] = { form: 'dense', shape, ...data };
      }
      done += bytes;
      onProgress?.(done, total);
    }
    const embedding = stored.get(EMBEDDING);
    if (quantization && embedding && !stored.has(HEAD)) {
      // A tied head reads the table as a matrix; the look-up goes on reading it dense.
      layout.quantized[HEAD] = quantize(embedding, quantization, compute, file);
    }
  } finally {
    file.close();
  }
  return layout;
}

function isMatrix(name: string): boolean {
  return name === HEAD || name.endsWith('_proj.weight');
}

/** Headers of odd length can leave a tensor where its elements are not aligned. */
function isInPlace(tensor: StoredTensor, compute: ComputeType): boolean {
  const inOrder = tensor.pairedRows === undefined;
  return COMPUTE_TYPE_OF[tensor.type] === compute && tensor.offset % 4 === 0 && inOrder;
}

function quantize(
  tensor: StoredTensor,
  form: Quantization,
  compute: ComputeType,
  file: WeightFile,
): QuantizedTensor {
  const [, columns = 0] = tensor.shape;
  const scales: Uint8Array[] = [];
  function* values() {
    for (const rows of readRows(tensor)) {
      const quantized = quantizeRows(form, rows, columns);
      scales.push(asBytes(compute === 'float32' ? quantized.scales : narrow(quantized.scales)));
      yield quantized.values;
    }
  }
  const data = file.append(values());
  return { form, shape: tensor.shape, ...data, scales: file.append(scales) };
}

/** Checkpoint files as hard links in the graph's folder, or copies where the disk is another. */
class LinkedFiles {
  private readonly folder: string;
  private readonly names = new Map<string, string>();

  constructor(folder: string) {
    this.folder = folder;
  }

  link(path: string): string {
    const known = this.names.get(path);
    if (known) return known;
    const name = `checkpoint-${this.names.size}${extname(path)}`;
    linkOrCopy(path, join(this.folder, name));
    this.names.set(path, name);
    return name;
  }
}

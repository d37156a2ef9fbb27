/**
 * Converts a checkpoint's weights once into the form that the graph uses. What
 * already has that form stays in the checkpoint's file, which is only linked
 * beside the rest: ORT maps files, but none outside the graph's folder.
 */
import { extname, join } from 'node:path';
import { narrow } from './float16.ts';
import { packingOf } from './gguf/kept-blocks.ts';
import { linkOrCopy } from './link-or-copy.ts';
import type { ExternalData } from './onnx.ts';
import { type Quantization, type QuantizationChoice, quantizeRows } from './quantize.ts';
import type { StoredTensor, StoredType } from './stored-tensor.ts';
import { asBytes, type ComputeType, readAs, readRows, readStored } from './tensor-reader.ts';
import { WeightFile } from './weight-file.ts';

interface DenseTensor extends ExternalData {
  form: 'dense';
  shape: readonly number[];
}

/** A matrix in MatMulNBits' layout; `scales` and `offsets` are of the compute type. */
export interface QuantizedTensor extends ExternalData {
  form: Quantization;
  shape: readonly number[];
  scales: ExternalData;
  /** [rows, blocks], to be added to every value of a block. */
  offsets?: ExternalData;
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
  /** Of matrices that are not kept as they are. */
  quantization?: QuantizationChoice | undefined;
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
      const quantized = isMatrix(name) ? quantize(tensor, quantization, compute, file) : undefined;
      if (quantized) layout.quantized[name] = quantized;
      else {
        const data = isInPlace(tensor, compute)
          ? { file: links.link(tensor.file), offset: tensor.offset, bytes }
          : file.append(readAs(tensor, compute));
        layout.dense[name] = { form: 'dense', shape, ...data };
      }
      done += bytes;
      onProgress?.(done, total);
    }
    const embedding = stored.get(EMBEDDING);
    if (embedding && !stored.has(HEAD)) {
      // A tied head reads the table as a matrix; the look-up goes on reading it dense.
      const head = quantize(embedding, quantization, compute, file);
      if (head) layout.quantized[HEAD] = head;
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

/** Kept as it is where it can be, else in the form that was asked for; undefined for neither. */
function quantize(
  tensor: StoredTensor,
  choice: QuantizationChoice | undefined,
  compute: ComputeType,
  file: WeightFile,
): QuantizedTensor | undefined {
  if (choice === 'none') return undefined;
  const packing = packingOf(tensor.type);
  const form = packing?.form ?? choice;
  if (form === undefined) return undefined;
  const [, columns = 0] = tensor.shape;
  const computed = (values: Float32Array) =>
    asBytes(compute === 'float32' ? values : narrow(values));
  const scales: Uint8Array[] = [];
  const offsets: Uint8Array[] = [];
  function* kept() {
    for (const blocks of readStored(tensor)) {
      const packed = packing!.pack(blocks);
      scales.push(computed(packed.scales));
      if (packed.offsets) offsets.push(computed(packed.offsets));
      yield packed.levels;
    }
  }
  function* rounded() {
    for (const rows of readRows(tensor)) {
      const quantized = quantizeRows(form!, rows, columns);
      scales.push(computed(quantized.scales));
      yield quantized.values;
    }
  }
  const data = file.append(packing ? kept() : rounded());
  const own = { form, shape: tensor.shape, ...data, scales: file.append(scales) };
  return offsets.length > 0 ? { ...own, offsets: file.append(offsets) } : own;
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

/**
 * Converts a checkpoint's weights once into the form that the graph uses. What
 * already has that form stays in the checkpoint's file, which is only linked
 * beside the rest: ORT maps files, but none outside the graph's folder.
 */
import { extname, join } from 'node:path';
import type { DecoderConfig } from './config.ts';
import { FoldedRotation } from './folded-rotation.ts';
import { type Packing, packingOf } from './gguf/kept-blocks.ts';
import { type Join, joinOf } from './joined-layers.ts';
import { BLOCK_SIZE, type BlockForm, storeBlocks, storeKeptBlocks } from './linear/blocks.ts';
import { type ColumnsType, storeColumns8 } from './linear/columns8.ts';
import type { Initializer, StoredMatrix } from './linear/stored-matrix.ts';
import { linkOrCopy } from './link-or-copy.ts';
import type { Quantization } from './quantization.ts';
import type { StoredTensor, StoredType } from './stored-tensor.ts';
import { asBytes, type ComputeType, readAs, readRows, readStored } from './tensor-reader.ts';
import { UnsupportedModelError } from './unsupported.ts';
import { WeightFile } from './weight-file.ts';

/** Where every tensor lies, by the checkpoint's own names. Plain data: it is kept as JSON. */
export interface WeightLayout {
  compute: ComputeType;
  /** Whether the residual stream is turned by the `Rotation` of the hidden size. */
  rotated: boolean;
  /** Norms and biases; with a rotation `FINAL_GAINS` too. */
  vectors: Record<string, Initializer>;
  matrices: Record<string, StoredMatrix>;
}

export interface ConvertOptions {
  compute: ComputeType;
  /** By default none. */
  quantization?: Quantization | undefined;
  /** Of int8 columns; by default int8. */
  columns?: ColumnsType | undefined;
  /** Called after each tensor with the bytes read so far and in all. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

const CONVERTED_FILE = 'weights.bin';
export const EMBEDDING = 'model.embed_tokens.weight';
export const HEAD = 'lm_head.weight';
export const FINAL_NORM = 'model.norm.weight';
/** A head for the vocabulary's beginning, in place of the whole one. */
export const TRIMMED_HEAD = 'head.trimmed';
/** The final norm's weights, where a rotation has put ones in their place. */
export const FINAL_GAINS = 'model.norm.gains';
/** Of a file whose other matrices have fewer bits, these are the ones that 4 bits would hurt. */
export const WIDE_TYPES: ReadonlySet<StoredType> = new Set(['Q6_K', 'Q8_0']);
const COMPUTE_TYPE_OF: Partial<Record<StoredType, ComputeType>> = {
  F32: 'float32',
  F16: 'float16',
};

/**
 * Converts into `folder`, a few tens of megabytes at a time; with int8 no more
 * than the largest matrix of a layer. Throws UnsupportedModelError for what can't
 * be combined.
 */
export function convertWeights(
  stored: ReadonlyMap<string, StoredTensor>,
  config: DecoderConfig,
  folder: string,
  options: ConvertOptions,
): WeightLayout {
  if (options.quantization === 'int8' && options.compute !== 'float32') {
    throw new UnsupportedModelError(`int8 rows in ${options.compute}`, 'float32');
  }
  const file = new WeightFile(folder, CONVERTED_FILE);
  try {
    return new Converter(stored, config, folder, file, options).convert();
  } finally {
    file.close();
  }
}

/** Whether the head reads the embedding's table; some tied checkpoints store that as lm_head alone. */
function isTied(stored: ReadonlyMap<string, unknown>, config: DecoderConfig): boolean {
  return config.tiedEmbeddings || !stored.has(HEAD) || !stored.has(EMBEDDING);
}

class Converter {
  private readonly stored: ReadonlyMap<string, StoredTensor>;
  private readonly file: WeightFile;
  private readonly links: LinkedFiles;
  private readonly options: ConvertOptions;
  private readonly tied: boolean;
  private readonly table: string;
  private readonly rotation: FoldedRotation | null;

  constructor(
    stored: ReadonlyMap<string, StoredTensor>,
    config: DecoderConfig,
    folder: string,
    file: WeightFile,
    options: ConvertOptions,
  ) {
    this.stored = stored;
    this.file = file;
    this.links = new LinkedFiles(folder);
    this.options = options;
    this.tied = isTied(stored, config);
    this.table = stored.has(EMBEDDING) ? EMBEDDING : HEAD;
    const rotated = options.quantization === 'int8';
    this.rotation = rotated ? new FoldedRotation(config.hiddenSize, stored, this.table) : null;
  }

  convert(): WeightLayout {
    const { compute, onProgress } = this.options;
    const layout: WeightLayout = {
      compute,
      rotated: this.rotation !== null,
      vectors: {},
      matrices: {},
    };
    const total = [...this.stored.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    let done = 0;
    for (const tensor of this.stored.values()) {
      this.add(tensor, layout);
      done += tensor.bytes;
      onProgress?.(done, total);
    }
    if (this.rotation) {
      const gains = this.rotation.finalGains();
      layout.vectors[FINAL_GAINS] = this.append([asBytes(gains)], [gains.length]);
    }
    return layout;
  }

  private add(tensor: StoredTensor, layout: WeightLayout): void {
    const { name, shape } = tensor;
    const join = joinOf(name);
    const parts = join && this.joinable(join);
    if (join && parts) {
      if (tensor !== parts[0]) return;
      if (shape.length === 1) layout.vectors[join.name] = this.joinedVector(parts);
      else layout.matrices[join.name] = this.matrix(parts);
    } else if (shape.length === 1) {
      layout.vectors[name] = this.vector(tensor);
    } else if (name === this.table) {
      layout.matrices[name] = this.tableMatrix(tensor, shapeOf([tensor]));
    } else if (!this.tied || name !== HEAD) {
      layout.matrices[name] = this.matrix([tensor]);
    }
  }

  /** The parts of a whole, where its matrices are all quantised in one form; else null. */
  private joinable({ parts }: Join): readonly StoredTensor[] | null {
    const { quantization } = this.options;
    if (!quantization || quantization === 'none') return null;
    const find = (kind: string) =>
      parts.flatMap((part) => this.stored.get(part.replace(/\w+$/, kind)) ?? []);
    const [matrices, biases] = [find('weight'), find('bias')];
    const whole = matrices.length === parts.length && biases.length % parts.length === 0;
    if (!whole || !this.alike(matrices)) return null;
    return parts[0]!.endsWith('bias') ? biases : matrices;
  }

  private alike(matrices: readonly StoredTensor[]): boolean {
    if (this.options.quantization === 'int8') return true;
    const [first, ...rest] = matrices.map((matrix) => this.blockForm(matrix));
    return rest.every(({ form, packing }) => form === first!.form && packing === first!.packing);
  }

  private vector(tensor: StoredTensor): Initializer {
    if (!this.rotation) return this.dense(tensor);
    return this.append([asBytes(this.rotation.vector(tensor))], tensor.shape);
  }

  private joinedVector(parts: readonly StoredTensor[]): Initializer {
    const { compute } = this.options;
    const size = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
    return this.append(
      parts.flatMap((part) => [...readAs(part, compute)]),
      [size],
    );
  }

  /** The rows of all `parts`, one after another, as one matrix. */
  private matrix(parts: readonly StoredTensor[]): StoredMatrix {
    const shape = shapeOf(parts);
    if (this.options.quantization === 'int8') {
      return this.columns(shape, parts);
    }
    const blocks = this.blocks(parts, shape);
    return blocks ?? { form: 'dense', shape, parts: this.denseParts(parts[0]!) };
  }

  /** The table is looked up, and where it is tied multiplied with too: it is stored once for both. */
  private tableMatrix(tensor: StoredTensor, shape: readonly [number, number]): StoredMatrix {
    if (this.options.quantization === 'int8' && this.tied) {
      return this.columns(shape, [tensor]);
    }
    // It is looked up block by block, so its rows must be whole blocks.
    const stored = shape[1] % BLOCK_SIZE === 0 ? this.blocks([tensor], shape) : null;
    if (!stored) return { form: 'dense', shape, parts: this.denseParts(tensor) };
    const { values, ...parts } = stored.parts;
    parts.rows = { ...values!, shape };
    if (this.tied) parts.values = values!;
    return { ...stored, parts };
  }

  private columns(shape: readonly [number, number], parts: readonly StoredTensor[]): StoredMatrix {
    return storeColumns8(this.file, shape, this.rows(parts), this.options.columns ?? 'int8');
  }

  /** In a GGUF file's own blocks, where they may be kept, or else in 4 or 8 bits, where that is asked for. */
  private blocks(
    parts: readonly StoredTensor[],
    shape: readonly [number, number],
  ): StoredMatrix | null {
    const { compute, quantization } = this.options;
    if (!quantization || quantization === 'none') return null;
    const { form, packing } = this.blockForm(parts[0]!);
    if (packing) {
      const what = parts.map(({ name }) => name).join(', ');
      return storeKeptBlocks(this.file, packing, compute, shape, chain(parts, readStored), what);
    }
    return storeBlocks(this.file, form, compute, shape, this.rows(parts));
  }

  /** How `tensor` is stored in blocks, and the packing that keeps those it has. */
  private blockForm({ name, type }: StoredTensor): { form: BlockForm; packing?: Packing } {
    const wide = name === this.table || name === HEAD || WIDE_TYPES.has(type);
    const form = wide ? 'blocks8' : 'blocks4';
    const packing = this.rotation ? undefined : packingOf(type);
    if (!packing || (name === this.table && packing.form !== form)) return { form };
    return { form: packing.form, packing };
  }

  private rows(parts: readonly StoredTensor[]): Iterable<Float32Array> {
    return chain(parts, (part) => this.rotation?.rows(part) ?? readRows(part));
  }

  private denseParts(tensor: StoredTensor): StoredMatrix['parts'] {
    if (!this.rotation) return { values: this.dense(tensor) };
    const rows = this.rotation.rows(tensor);
    return { values: this.append(bytesOf(rows), tensor.shape) };
  }

  private dense(tensor: StoredTensor): Initializer {
    const { compute } = this.options;
    const { shape, offset, bytes } = tensor;
    if (!isInPlace(tensor, compute)) return this.append(readAs(tensor, compute), shape);
    for (const _ of readRows(tensor)); // Throws where a value is not finite.
    return { type: compute, shape, file: this.links.link(tensor.file), offset, bytes };
  }

  private append(pieces: Iterable<Uint8Array>, shape: readonly number[]): Initializer {
    return { type: this.options.compute, shape, ...this.file.append(pieces) };
  }
}

/** Headers of odd length can leave a tensor where its elements are not aligned. */
function isInPlace(tensor: StoredTensor, compute: ComputeType): boolean {
  const inOrder = tensor.pairedRows === undefined;
  return COMPUTE_TYPE_OF[tensor.type] === compute && tensor.offset % 4 === 0 && inOrder;
}

/** [outputs, inputs] of matrices whose rows follow one another. */
function shapeOf(parts: readonly StoredTensor[]): readonly [number, number] {
  return [parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0), parts[0]!.shape[1] ?? 0];
}

function* chain<T>(parts: readonly StoredTensor[], read: (part: StoredTensor) => Iterable<T>) {
  for (const part of parts) yield* read(part);
}

function* bytesOf(pieces: Iterable<Float32Array>): Generator<Uint8Array> {
  for (const piece of pieces) yield asBytes(piece);
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

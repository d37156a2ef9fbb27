/**
 * Unsigned levels in blocks along a matrix's rows, as ORT's MatMulNBits reads
 * them: 4 bits with a zero point and a scale a block, or 8 bits with a scale.
 */
import { narrowFinite, requireFinite } from '../finite.ts';
import type { Packing } from '../gguf/kept-blocks.ts';
import { asBytes, type ComputeType } from '../tensor-reader.ts';
import type { WeightFile } from '../weight-file.ts';
import { fitBlock } from './fit-block.ts';
import type { StoredMatrix } from './stored-matrix.ts';

/** Values that share a scale. */
export const BLOCK_SIZE = 32;
export const BITS = { blocks4: 4, blocks8: 8 } as const;
export type BlockForm = keyof typeof BITS;

/** All parts that a matrix in blocks may have. */
export function blockParts(form: BlockForm, compute: ComputeType, [out, inner]: readonly number[]) {
  const blocks = Math.ceil(inner! / BLOCK_SIZE);
  const perBlock = { type: compute, shape: [out!, blocks] };
  return {
    values: { type: 'uint8', shape: [out!, blocks, (BLOCK_SIZE * BITS[form]) / 8] },
    scales: perBlock,
    zeros: { type: 'uint8', shape: [out!, Math.ceil(blocks / 2)] },
    offsets: perBlock,
  } as const;
}

/** A run of whole rows. */
export interface Blocks {
  /** [rows, blocks, BLOCK_SIZE · bits / 8]; of two 4-bit levels the first is in the low half. */
  values: Uint8Array;
  /** [rows, blocks] */
  scales: Float32Array;
  /** [rows, ⌈blocks / 2⌉], packed like the values; empty with 8 bits, whose zero is 128. */
  zeros: Uint8Array;
}

/** Quantises whole rows of `columns` values; the last block is padded. */
export function quantiseBlocks(form: BlockForm, rows: Float32Array, columns: number): Blocks {
  const count = rows.length / columns;
  const blocks = Math.ceil(columns / BLOCK_SIZE);
  const zeroBytes = form === 'blocks4' ? Math.ceil(blocks / 2) : 0;
  const values = new Uint8Array((count * blocks * BLOCK_SIZE * BITS[form]) / 8);
  const scales = new Float32Array(count * blocks);
  const zeros = new Uint8Array(count * zeroBytes);
  const levels = new Uint8Array(BLOCK_SIZE);
  const place = form === 'blocks4' ? placeNibbles : placeBytes;
  for (let row = 0; row < count; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * columns + block * BLOCK_SIZE;
      const length = Math.min(BLOCK_SIZE, columns - block * BLOCK_SIZE);
      const index = row * blocks + block;
      const { scale, zero } = fitBlock(form, rows.subarray(start, start + length), levels);
      scales[index] = scale;
      if (zeroBytes > 0) zeros[row * zeroBytes + (block >> 1)]! |= zero << ((block & 1) * 4);
      place(values, index, levels);
    }
  }
  return { values, scales, zeros };
}

function placeBytes(values: Uint8Array, block: number, levels: Uint8Array): void {
  values.set(levels, block * BLOCK_SIZE);
}

function placeNibbles(values: Uint8Array, block: number, levels: Uint8Array): void {
  const at = (block * BLOCK_SIZE) / 2;
  for (let i = 0; i < BLOCK_SIZE; i += 2) {
    values[at + (i >> 1)] = levels[i]! | (levels[i + 1]! << 4);
  }
}

/** Writes a matrix [out, in], given in pieces of whole rows; its scales are of the compute type. */
export function storeBlocks(
  file: WeightFile,
  form: BlockForm,
  compute: ComputeType,
  shape: readonly [number, number],
  pieces: Iterable<Float32Array>,
): StoredMatrix {
  const writer = new BlockWriter(file, form, compute, shape);
  writer.write(pieces, (rows, parts) => {
    const { values, scales, zeros } = quantiseBlocks(form, rows, shape[1]);
    parts.scales.push(writer.computed(scales));
    parts.zeros.push(zeros);
    return values;
  });
  return writer.stored;
}

/** Writes a GGUF file's own blocks, given as stored; `what` names them where a scale is not finite. */
export function storeKeptBlocks(
  file: WeightFile,
  packing: Packing,
  compute: ComputeType,
  shape: readonly [number, number],
  pieces: Iterable<Uint8Array>,
  what: string,
): StoredMatrix {
  const writer = new BlockWriter(file, packing.form, compute, shape);
  writer.write(pieces, (blocks, parts) => {
    const { levels, scales, offsets } = packing.pack(blocks);
    requireFinite(scales, what);
    if (offsets) requireFinite(offsets, what);
    parts.scales.push(writer.computed(scales));
    if (offsets) parts.offsets.push(writer.computed(offsets));
    return levels;
  });
  return writer.stored;
}

type SmallParts = Record<'scales' | 'zeros' | 'offsets', Uint8Array[]>;

/** Levels go to the file as they come, what belongs to blocks after them. */
class BlockWriter {
  readonly stored: StoredMatrix;
  private readonly file: WeightFile;
  private readonly compute: ComputeType;

  constructor(
    file: WeightFile,
    form: BlockForm,
    compute: ComputeType,
    shape: readonly [number, number],
  ) {
    this.file = file;
    this.compute = compute;
    this.stored = { form, shape, parts: {} };
  }

  write<T>(pieces: Iterable<T>, convert: (piece: T, parts: SmallParts) => Uint8Array): void {
    const { file } = this;
    const { form, shape, parts } = this.stored;
    const all = blockParts(form as BlockForm, this.compute, shape);
    const small: SmallParts = { scales: [], zeros: [], offsets: [] };
    function* levels() {
      for (const piece of pieces) yield convert(piece, small);
    }
    parts.values = { ...all.values, ...file.append(levels()) };
    for (const part of ['scales', 'zeros', 'offsets'] as const) {
      if (small[part].every((piece) => piece.length === 0)) continue;
      parts[part] = { ...all[part], ...file.append(small[part]) };
    }
  }

  computed(values: Float32Array): Uint8Array {
    const { compute } = this;
    return asBytes(compute === 'float32' ? values : narrowFinite(values, 'a scale of a block'));
  }
}

/**
 * Unsigned levels in blocks along a matrix's rows, for ORT's MatMulNBits: 4 bits
 * with a zero point and a scale a block, or 8 bits with a scale. The operator
 * rounds activations to int8 block by block and row by row, so a row's result does
 * not depend on the rows beside it.
 */
import { narrow } from '../float16.ts';
import { type GraphBuilder, MICROSOFT } from '../onnx.ts';
import { asBytes, type ComputeType } from '../tensor-reader.ts';
import type { WeightFile } from '../weight-file.ts';
import { fitBlock } from './fit-block.ts';
import { partName, type StoredMatrix } from './stored-matrix.ts';

/** Values that share a scale. */
export const BLOCK_SIZE = 32;
const BITS = { blocks4: 4, blocks8: 8 } as const;
type BlockForm = keyof typeof BITS;

/** int8 activations inside MatMulNBits on a CPU: several times faster than float32. */
const ACCURACY_LEVEL_INT8 = 4;

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
  const [out, inner] = shape;
  const blocks = Math.ceil(inner / BLOCK_SIZE);
  const scales: Uint8Array[] = [];
  const zeros: Uint8Array[] = [];
  function* values() {
    for (const rows of pieces) {
      const piece = quantiseBlocks(form, rows, inner);
      scales.push(asBytes(compute === 'float32' ? piece.scales : narrow(piece.scales)));
      zeros.push(piece.zeros);
      yield piece.values;
    }
  }
  const blockBytes = (BLOCK_SIZE * BITS[form]) / 8;
  const parts: StoredMatrix['parts'] = {
    values: { type: 'uint8', shape: [out, blocks, blockBytes], ...file.append(values()) },
  };
  parts.scales = { type: compute, shape: [out, blocks], ...file.append(scales) };
  if (form === 'blocks4') {
    parts.zeros = { type: 'uint8', shape: [out, Math.ceil(blocks / 2)], ...file.append(zeros) };
  }
  return { form, shape, parts };
}

/** `matrix` names an initializer of the graph; `input` is [1, T, in], the output [1, T, out]. */
export function blocksProduct(
  graph: GraphBuilder,
  input: string,
  matrix: string,
  stored: StoredMatrix,
  output: string,
): string {
  const [out, inner] = stored.shape;
  const parts = Object.keys(stored.parts).map((part) => partName(matrix, part));
  const attributes = {
    K: inner,
    N: out,
    bits: BITS[stored.form as BlockForm],
    block_size: BLOCK_SIZE,
    accuracy_level: ACCURACY_LEVEL_INT8,
  };
  return graph.node('MatMulNBits', [input, ...parts], output, attributes, MICROSOFT);
}

/** Rows `ids` [1, T] of a table whose rows are whole 8-bit blocks: [1, T, columns]. */
export function lookUpBlocks(
  graph: GraphBuilder,
  table: string,
  stored: StoredMatrix,
  ids: string,
): string {
  const { values, scales } = stored.parts;
  if (!values || !scales) throw new Error(`"${table}" has no values or scales`);
  // The bytes that MatMulNBits reads as [rows, blocks, block], in the shape that this operator wants.
  const rows = graph.external(partName(table, 'rows'), 'uint8', stored.shape, values);
  const attributes = { bits: 8, block_size: BLOCK_SIZE, gather_axis: 0, quantize_axis: 1 };
  const inputs = [rows, ids, partName(table, 'scales')];
  return graph.node('GatherBlockQuantized', inputs, 'embedded', attributes, MICROSOFT);
}

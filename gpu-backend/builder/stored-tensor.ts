/** A tensor as a checkpoint stores it: where its bytes lie and what they mean. */
import { BLOCK_TYPES, type BlockType } from './gguf/block-types.ts';

export const BYTES_PER_VALUE = { F32: 4, F16: 2, BF16: 2 } as const;
/** Types that store one value after another. */
export type WeightType = keyof typeof BYTES_PER_VALUE;
/** These, or GGUF's blocks of quantised values. */
export type StoredType = WeightType | BlockType;

export interface StoredTensor {
  name: string;
  /** Absolute path of the file that holds it. */
  file: string;
  type: StoredType;
  /** Row-major: the last dimension is contiguous. */
  shape: readonly number[];
  /** Bytes from the start of the file. */
  offset: number;
  bytes: number;
  /**
   * Rows (of a vector: values) of an attention head whose rotary pairs lie side
   * by side in the file: row 2i + p stands for row i + p · pairedRows / 2.
   * Readers put them back. Absent where rows lie in order.
   */
  pairedRows?: number;
}

export function isBlockType(type: StoredType): type is BlockType {
  return type in BLOCK_TYPES;
}

/** The least run of values that can be stored, and the bytes it takes. */
export function storageUnit(type: StoredType): { values: number; bytes: number } {
  return isBlockType(type) ? BLOCK_TYPES[type] : { values: 1, bytes: BYTES_PER_VALUE[type] };
}

/** Values in a tensor of this shape. */
export function valueCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

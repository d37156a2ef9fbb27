/**
 * Block quantisation of weight matrices for ORT's MatMulNBits: each row is cut
 * into blocks of `BLOCK_SIZE` columns with one scale and no zero point. Only
 * weights are stored so; activations stay per row, so a row's result does not
 * depend on the rows beside it, and a tree gives what sequential decoding gives.
 */
export type Quantization = 'int8' | 'int4';
/** What can be asked for: 'none' keeps no quantised blocks of a GGUF file either. */
export const QUANTIZATION_CHOICES = ['none', 'int8', 'int4'] as const;
export type QuantizationChoice = (typeof QUANTIZATION_CHOICES)[number];

/** Columns that share a scale. */
export const BLOCK_SIZE = 32;
export const BITS: Record<Quantization, number> = { int8: 8, int4: 4 };

export interface QuantizedRows {
  /** [rows, blocks, BLOCK_SIZE · bits / 8]; of two int4 values the first is in the low half. */
  values: Uint8Array;
  /** [rows, blocks] */
  scales: Float32Array;
}

/** Bytes of a quantised row of `columns` columns, the last block padded. */
export function quantizedRowBytes(form: Quantization, columns: number): number {
  return (Math.ceil(columns / BLOCK_SIZE) * BLOCK_SIZE * BITS[form]) / 8;
}

/** Quantises whole rows of `columns` columns. */
export function quantizeRows(
  form: Quantization,
  matrix: Float32Array,
  columns: number,
): QuantizedRows {
  const rows = matrix.length / columns;
  const blocks = Math.ceil(columns / BLOCK_SIZE);
  const values = new Uint8Array(rows * quantizedRowBytes(form, columns));
  const scales = new Float32Array(rows * blocks);
  const middle = form === 'int8' ? 128 : 8;
  const perByte = 8 / BITS[form];
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const index = row * blocks + block;
      const start = row * columns + block * BLOCK_SIZE;
      const length = Math.min(BLOCK_SIZE, columns - block * BLOCK_SIZE);
      const scale = blockScale(matrix, start, length, middle);
      scales[index] = scale;
      for (let i = 0; i < BLOCK_SIZE; i++) {
        const value = i < length && scale !== 0 ? Math.round(matrix[start + i]! / scale) : 0;
        const level = Math.min(2 * middle - 1, Math.max(0, value + middle));
        const place = index * BLOCK_SIZE + i;
        if (perByte === 1) values[place] = level;
        else values[place >> 1]! |= level << ((place & 1) * 4);
      }
    }
  }
  return { values, scales };
}

/** The value of largest magnitude becomes the lowest level, −middle: one more level than the highest. */
function blockScale(matrix: Float32Array, start: number, length: number, middle: number): number {
  let extreme = 0;
  for (let i = start; i < start + length; i++) {
    if (Math.abs(matrix[i]!) > Math.abs(extreme)) extreme = matrix[i]!;
  }
  return extreme / -middle;
}

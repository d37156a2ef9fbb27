/** A matrix as a graph reads it: its form, and the initializers that make it up. */
import type { ElementTypeName } from '../../ort/tensor.ts';
import type { ExternalData } from '../onnx.ts';

/**
 * `dense`: values of the compute type, [out, in].
 * `columns8`: int8 with a scale a column, [in, out], for products with int8 rows.
 * `blocks4`, `blocks8`: unsigned levels in blocks along a row, for MatMulNBits.
 */
export type MatrixForm = 'dense' | 'columns8' | 'blocks4' | 'blocks8';

/** What a part of a matrix is, wherever it lies. */
export interface PartShape {
  type: ElementTypeName;
  shape: readonly number[];
}

/** An initializer that stays in its file. */
export interface Initializer extends PartShape, ExternalData {
  /**
   * Where its rows lie, if not in one run of a file but one piece behind another in memory alone.
   * File and offset are then the first piece's.
   */
  pieces?: readonly Initializer[];
}

/** Plain data: it is kept as JSON. */
export interface StoredMatrix {
  form: MatrixForm;
  /** Outputs and inputs; of a table, rows and columns. */
  shape: readonly [number, number];
  /** By what each is to the form, such as `values` and `scales`. */
  parts: Record<string, Initializer>;
}

/** A part's name in every graph. */
export function partName(matrix: string, part: string): string {
  return `${matrix}.${part}`;
}

/**
 * int8 rows times int8 columns, added in int32: integer sums are the same in any
 * order, so a row's bits depend neither on the rows beside it nor on threads,
 * panels or SIMD lanes. Columns have one scale each, and so has every row, from its
 * largest magnitude. (DynamicQuantizeMatMul takes one scale for all rows together.)
 *
 * y = Σ levels · W · columnScale · rowMagnitude; the 127 levels to a magnitude are
 * part of the column's scale. Columns are stored signed or unsigned, as the machine's
 * kernels add them without error (`columnsType`); the product is the same.
 */
import { ElementType } from '../../ort/tensor.ts';
import { type GraphBuilder, MICROSOFT } from '../onnx.ts';
import { UnsupportedModelError } from '../unsupported.ts';
import type { WeightFile } from '../weight-file.ts';
import { partName, type StoredMatrix } from './stored-matrix.ts';

/** What columns are stored as; rows are always uint8. */
export type ColumnsType = 'int8' | 'uint8';

/** The largest magnitude of a level on both sides. */
const LEVELS = 127;
/** Level 0 where levels are unsigned. */
const UNSIGNED_ZERO = 128;

export function columns8Parts([out, inner]: readonly [number, number], type: ColumnsType) {
  return {
    values: { type, shape: [inner, out] },
    scales: { type: 'float32', shape: [out] },
  } as const;
}

/** Writes a matrix [out, in], given in pieces of whole rows, as [in, out]. */
export function storeColumns8(
  file: WeightFile,
  shape: readonly [number, number],
  pieces: Iterable<Float32Array>,
  type: ColumnsType,
): StoredMatrix {
  const [out, inner] = shape;
  const zero = type === 'uint8' ? UNSIGNED_ZERO : 0;
  const scales = new Float32Array(out);
  const values = file.reserve(out * inner);
  let done = 0;
  for (const rows of pieces) {
    const count = rows.length / inner;
    // A byte of either type: what does not fit wraps around.
    const turned = new Uint8Array(rows.length);
    for (let row = 0; row < count; row++) {
      const scale = largestMagnitude(rows, row * inner, inner) / LEVELS;
      scales[done + row] = scale / LEVELS;
      const levels = scale === 0 ? 0 : 1 / scale;
      for (let i = 0; i < inner; i++) {
        turned[i * count + row] = Math.round(rows[row * inner + i]! * levels) + zero;
      }
    }
    for (let i = 0; i < inner; i++) {
      file.write(values.offset + i * out + done, turned.subarray(i * count, (i + 1) * count));
    }
    done += count;
  }
  const written = file.append([new Uint8Array(scales.buffer)]);
  const parts = columns8Parts(shape, type);
  return {
    form: 'columns8',
    shape,
    parts: { values: { ...parts.values, ...values }, scales: { ...parts.scales, ...written } },
  };
}

function largestMagnitude(values: Float32Array, start: number, length: number): number {
  let largest = 0;
  for (let i = start; i < start + length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}

interface QuantisedRows {
  /** uint8 levels. */
  levels: string;
  /** [1, T, 1] */
  magnitudes: string;
}

/** The products of one graph; an input that several read is quantised once. */
export class Columns8Products {
  private readonly graph: GraphBuilder;
  private readonly quantised = new Map<string, QuantisedRows>();

  constructor(graph: GraphBuilder) {
    this.graph = graph;
  }

  /** `matrix` names initializers of the graph; `input` is [1, T, in], the output [1, T, out]. */
  product(input: string, matrix: string, { parts }: StoredMatrix, output: string): string {
    const { graph } = this;
    const { levels, magnitudes } = this.quantise(input);
    const scales = partName(matrix, 'scales');
    const operands = [levels, partName(matrix, 'values'), graph.float(1), scales, 'columns8.zero'];
    if (parts.values!.type === 'uint8') operands.push('columns8.zero');
    const sums = graph.node(
      'MatMulIntegerToFloat',
      operands,
      `${output}.scaled_sums`,
      {},
      MICROSOFT,
    );
    return graph.node('Mul', [sums, magnitudes], output);
  }

  /** A row of zeros has magnitude 0: whatever 0 / 0 is rounded to, its products are 0. */
  private quantise(input: string): QuantisedRows {
    const known = this.quantised.get(input);
    if (known) return known;
    const { graph } = this;
    if (this.quantised.size === 0) {
      graph.constant('columns8.zero', 'uint8', [], Uint8Array.of(UNSIGNED_ZERO));
    }
    const sizes = graph.node('Abs', [input], `${input}.sizes`);
    // The axis is not -1: of a tensor without rows ORT 1.30 does not reduce a negative one.
    const magnitudes = graph.node('ReduceMax', [sizes, graph.integers([2])], `${input}.magnitudes`);
    const shares = graph.node('Div', [input, magnitudes], `${input}.shares`);
    const step = [graph.float(1 / LEVELS), 'columns8.zero'];
    const levels = graph.node('QuantizeLinear', [shares, ...step], `${input}.levels`);
    const rows = { levels, magnitudes };
    this.quantised.set(input, rows);
    return rows;
  }
}

/** Rows of the matrix's transpose, scaled back: its columns `ids`, [1, T] → [1, T, in]. */
export function lookUpColumns8(
  graph: GraphBuilder,
  matrix: string,
  { parts }: StoredMatrix,
  ids: string,
): string {
  const bytes = graph.node('Gather', [partName(matrix, 'values'), ids], 'embedded.bytes', {
    axis: 1,
  });
  const byToken = graph.node('Transpose', [bytes], 'embedded.by_token', { perm: [1, 2, 0] });
  const values = graph.node('Cast', [byToken], 'embedded.values', { to: ElementType.float32 });
  const levels =
    parts.values!.type === 'uint8'
      ? graph.node('Sub', [values, graph.float(UNSIGNED_ZERO)], 'embedded.levels')
      : values;
  const scales = graph.node('Gather', [partName(matrix, 'scales'), ids], 'embedded.scales');
  const steps = graph.node('Mul', [scales, graph.float(LEVELS)], 'embedded.steps');
  const column = graph.node('Unsqueeze', [steps, graph.integers([2])], 'embedded.step_column');
  return graph.node('Mul', [levels, column], 'embedded');
}

/** How people write the devices that have no kernel for these products. */
const WITHOUT_KERNEL = { cuda: 'CUDA', webgpu: 'WebGPU' } as const;

type Provider = 'cpu' | keyof typeof WITHOUT_KERNEL;

/** Why matrices in this form can't be multiplied; null on a CPU. */
export function columns8Fault(provider: Provider): UnsupportedModelError | null {
  if (provider === 'cpu') return null;
  return new UnsupportedModelError(
    `int8 on ${WITHOUT_KERNEL[provider]}`,
    'int4 and none: add the model again with --quantize int4, or set ESPALIER_PROVIDER=cpu',
  );
}

/** Throws where there is a fault. */
export function refuseColumns8(provider: Provider): void {
  const fault = columns8Fault(provider);
  if (fault) throw fault;
}

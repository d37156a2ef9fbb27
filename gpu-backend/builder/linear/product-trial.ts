/** A graph of one product, to find out about the kernels of the machine at hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from '../../ort/inference-session.ts';
import { Block, cpuDevice } from '../../ort/tensor.ts';
import { GraphBuilder, MICROSOFT } from '../onnx.ts';
import { WeightFile } from '../weight-file.ts';
import { BlockProducts } from './block-products.ts';
import { Columns8Products } from './columns8.ts';
import { partName, type StoredMatrix } from './stored-matrix.ts';

/** Products of so many rows; their memory is the trial's. */
interface BoundRows {
  /** [rows, in] */
  rows: Float32Array;
  /** [rows, out], written by `run`. */
  product: Float32Array;
  run(): Promise<void>;
}

export interface ProductTrial {
  /** Calls `use` with zeros as rows. */
  withRows<Found>(count: number, use: (bound: BoundRows) => Promise<Found>): Promise<Found>;
}

/** Loads the product with the matrix that `store` writes, for as long as `use` takes. */
export async function tryProduct<Found>(
  store: (file: WeightFile) => StoredMatrix,
  threads: number,
  use: (trial: ProductTrial) => Promise<Found>,
): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-product-'));
  const file = new WeightFile(folder, 'weights.bin');
  try {
    const matrix = store(file);
    file.close();
    const session = await InferenceSession.load(productGraph(matrix), folder, { threads });
    try {
      return await use({
        withRows: (count, useRows) => withRows(session, count, matrix.shape, useRows),
      });
    } finally {
      session.release();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `rows` [1, T, in] times the matrix are `product` [1, T, out]. */
function productGraph(matrix: StoredMatrix): Uint8Array {
  const graph = new GraphBuilder('product');
  const [out, width] = matrix.shape;
  graph.input('rows', 'float32', [1, 'T', width]);
  for (const [part, initializer] of Object.entries(matrix.parts)) {
    graph.external(partName('matrix', part), initializer.type, initializer.shape, initializer);
  }
  if (matrix.form === 'columns8') {
    new Columns8Products(graph).product('rows', 'matrix', matrix, 'product');
  } else if (matrix.form === 'dense') {
    const operands = ['rows', partName('matrix', 'values')];
    graph.node('FusedMatMul', operands, 'product', { transB: 1 }, MICROSOFT);
  } else {
    new BlockProducts(graph, 'fused').product('rows', 'matrix', matrix, 'product');
  }
  graph.output('product', 'float32', [1, 'T', out]);
  return graph.encode();
}

async function withRows<Found>(
  session: InferenceSession,
  count: number,
  [out, width]: readonly [number, number],
  use: (bound: BoundRows) => Promise<Found>,
): Promise<Found> {
  const input = new Block(cpuDevice(), 4 * count * width);
  const output = new Block(cpuDevice(), 4 * count * out);
  const tensors = [
    input.tensor('float32', [1, count, width]),
    output.tensor('float32', [1, count, out]),
  ] as const;
  const binding = session.bind();
  binding.input('rows', tensors[0]);
  binding.output('product', tensors[1]);
  try {
    return await use({
      rows: new Float32Array(input.buffer).subarray(0, count * width).fill(0),
      product: new Float32Array(output.buffer).subarray(0, count * out),
      run: () => session.run(binding),
    });
  } finally {
    binding.release();
    for (const part of [...tensors, input, output]) part.release();
  }
}

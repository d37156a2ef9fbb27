/** What a product with one matrix takes on this machine, in any form. */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from '../../ort/inference-session.ts';
import { Block, cpuDevice } from '../../ort/tensor.ts';
import { GraphBuilder, MICROSOFT } from '../onnx.ts';
import { asBytes } from '../tensor-reader.ts';
import { WeightFile } from '../weight-file.ts';
import { BlockProducts } from './block-products.ts';
import { blockParts } from './blocks.ts';
import { Columns8Products, columns8Parts } from './columns8.ts';
import { type MatrixForm, type PartShape, partName, type StoredMatrix } from './stored-matrix.ts';

const RUNS = 4;

/** Milliseconds of the product of each number of `rows` with a matrix [out, inner], scaling included. */
export async function timeProducts(
  form: MatrixForm,
  shape: readonly [number, number],
  rows: readonly number[],
  threads: number,
): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-product-'));
  const file = new WeightFile(folder, 'weights.bin');
  try {
    const stored = randomMatrix(form, file, shape);
    file.close();
    const session = await InferenceSession.load(graphOf(stored), folder, { threads });
    try {
      const times: number[] = [];
      for (const count of rows) times.push(await fastest(session, count, shape));
      return times;
    } finally {
      session.release();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A matrix of random bytes: how long a product takes does not depend on values. */
function randomMatrix(
  form: MatrixForm,
  file: WeightFile,
  shape: readonly [number, number],
): StoredMatrix {
  const shapes = partShapes(form, shape);
  const parts: StoredMatrix['parts'] = {};
  for (const [name, part] of Object.entries(shapes)) {
    const count = part.shape.reduce((product, size) => product * size, 1);
    const bytes =
      part.type === 'float32'
        ? asBytes(new Float32Array(count).fill(1))
        : randomFillSync(new Uint8Array(count));
    parts[name] = { ...part, ...file.append([bytes]) };
  }
  return { form, shape, parts };
}

function partShapes(form: MatrixForm, shape: readonly [number, number]): Record<string, PartShape> {
  if (form === 'dense') return { values: { type: 'float32', shape } };
  if (form === 'columns8') return columns8Parts(shape);
  const { values, scales, zeros } = blockParts(form, 'float32', shape);
  return form === 'blocks4' ? { values, scales, zeros } : { values, scales };
}

function graphOf(matrix: StoredMatrix): Uint8Array {
  const graph = new GraphBuilder('product');
  const [out, width] = matrix.shape;
  graph.input('rows', 'float32', [1, 'T', width]);
  for (const [part, initializer] of Object.entries(matrix.parts)) {
    graph.external(partName('matrix', part), initializer.type, initializer.shape, initializer);
  }
  if (matrix.form === 'columns8') {
    new Columns8Products(graph).product('rows', 'matrix', 'product');
  } else if (matrix.form === 'dense') {
    const operands = ['rows', partName('matrix', 'values')];
    graph.node('FusedMatMul', operands, 'product', { transB: 1 }, MICROSOFT);
  } else {
    new BlockProducts(graph).product('rows', 'matrix', matrix, 'product');
  }
  graph.output('product', 'float32', [1, 'T', out]);
  return graph.encode();
}

/** Milliseconds of the fastest of a few runs: other work on the machine only ever adds. */
async function fastest(
  session: InferenceSession,
  rows: number,
  [out, width]: readonly [number, number],
): Promise<number> {
  const input = new Block(cpuDevice(), 4 * rows * width);
  const output = new Block(cpuDevice(), 4 * rows * out);
  new Float32Array(input.buffer).forEach((_, i, all) => {
    all[i] = (i % 17) - 8;
  });
  const tensors = [
    input.tensor('float32', [1, rows, width]),
    output.tensor('float32', [1, rows, out]),
  ] as const;
  const binding = session.bind();
  binding.input('rows', tensors[0]);
  binding.output('product', tensors[1]);
  let least = Number.POSITIVE_INFINITY;
  try {
    for (let run = 0; run < RUNS; run++) {
      const started = performance.now();
      await session.run(binding);
      least = Math.min(least, performance.now() - started);
    }
  } finally {
    binding.release();
    for (const part of [...tensors, input, output]) part.release();
  }
  return least;
}

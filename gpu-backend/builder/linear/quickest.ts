/**
 * Which form a turn is quickest in on this machine: times one product of the
 * model's width in both, larger than a cache, and adds up what a turn is made of.
 */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from '../../ort/inference-session.ts';
import { Block, cpuDevice } from '../../ort/tensor.ts';
import { GraphBuilder } from '../onnx.ts';
import { asBytes } from '../tensor-reader.ts';
import { WeightFile } from '../weight-file.ts';
import { BlockProducts } from './block-products.ts';
import { blockParts } from './blocks.ts';
import { Columns8Products, columns8Parts } from './columns8.ts';
import { type PartShape, partName, type StoredMatrix } from './stored-matrix.ts';

/** Weights of the product: beyond what caches hold, as a model's are. */
const WEIGHTS = 1 << 25;
const RUNS = 4;
/**
 * A turn: a prompt of 512 tokens, and an answer of 128 of which half come one a
 * step and half in steps of 16 rows that give four each. Runs, by their rows.
 */
const TURN: readonly [rows: number, runs: number][] = [
  [64, 8],
  [1, 64],
  [16, 16],
];
const FORMS = { int8: 'columns8', int4: 'blocks4' } as const;
type Form = keyof typeof FORMS;

/** `width`: the model's hidden size; `threads` as the engine's. */
export async function quickestForm(width: number, threads: number): Promise<Form> {
  const times = { int8: 0, int4: 0 };
  for (const form of Object.keys(FORMS) as Form[]) {
    times[form] = await timeTurn(form, width, Math.ceil(WEIGHTS / width), threads);
  }
  return times.int8 <= times.int4 ? 'int8' : 'int4';
}

/** Milliseconds of a turn's products with one matrix [out, width]. */
async function timeTurn(form: Form, width: number, out: number, threads: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-quickest-'));
  const file = new WeightFile(folder, 'weights.bin');
  try {
    const stored = randomMatrix(form, file, [out, width]);
    file.close();
    const session = await InferenceSession.load(graphOf(stored), folder, { threads });
    try {
      let total = 0;
      for (const [rows, runs] of TURN) total += runs * (await fastest(session, rows, stored.shape));
      return total;
    } finally {
      session.release();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A matrix of random bytes: how long a product takes does not depend on values. */
function randomMatrix(
  form: Form,
  file: WeightFile,
  shape: readonly [number, number],
): StoredMatrix {
  const { offsets, ...blocks } = blockParts('blocks4', 'float32', shape);
  const shapes: Record<string, PartShape> = form === 'int8' ? columns8Parts(shape) : blocks;
  const parts: StoredMatrix['parts'] = {};
  for (const [name, part] of Object.entries(shapes)) {
    const count = part.shape.reduce((product, size) => product * size, 1);
    const bytes =
      part.type === 'float32'
        ? asBytes(new Float32Array(count).fill(1))
        : randomFillSync(new Uint8Array(count));
    parts[name] = { ...part, ...file.append([bytes]) };
  }
  return { form: FORMS[form], shape, parts };
}

function graphOf(matrix: StoredMatrix): Uint8Array {
  const graph = new GraphBuilder('product');
  const [out, width] = matrix.shape;
  graph.input('rows', 'float32', [1, 'T', width]);
  for (const [part, initializer] of Object.entries(matrix.parts)) {
    graph.external(partName('matrix', part), initializer.type, initializer.shape, initializer);
  }
  if (matrix.form === 'columns8') new Columns8Products(graph).product('rows', 'matrix', 'product');
  else new BlockProducts(graph).product('rows', 'matrix', matrix, 'product');
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

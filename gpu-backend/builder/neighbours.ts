/** Finds the nearest tokens of every token, by the cosine of their embeddings. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEAR, NEIGHBOURS_FILE } from '../accept/lossy/neighbour-table.ts';
import { InferenceSession } from '../ort/inference-session.ts';
import { Block, cpuDevice } from '../ort/tensor.ts';
import { EMBEDDING } from './convert.ts';
import { GraphBuilder, MICROSOFT } from './onnx.ts';
import { asBytes, readRows } from './tensor-reader.ts';
import { WeightFile } from './weight-file.ts';
import { readWeightIndex } from './weight-index.ts';

/** Tokens that are compared with all others at a time. */
const ROWS = 128;

export interface NeighboursOptions {
  threads: number;
  onProgress?: (done: number, total: number) => void;
}

/** Rows of unit length, [vocabSize, width] in one. */
interface Embedding {
  rows: Float32Array;
  width: number;
}

/** Writes the table into a model folder. O(V² · width): half a minute for 49,152 tokens of width 576 on two cores. */
export async function writeNeighbours(folder: string, options: NeighboursOptions): Promise<void> {
  const embedding = readEmbedding(folder);
  const ids = await nearest(embedding, folder, options);
  const partial = join(folder, `${NEIGHBOURS_FILE}.${process.pid}.partial`);
  writeFileSync(partial, new Uint8Array(ids.buffer));
  renameSync(partial, join(folder, NEIGHBOURS_FILE));
}

function readEmbedding(folder: string): Embedding {
  const tensor = readWeightIndex(folder).get(EMBEDDING);
  if (!tensor) throw new Error(`${folder} has no ${EMBEDDING}`);
  const [vocabSize, width] = tensor.shape as [number, number];
  const rows = new Float32Array(vocabSize * width);
  let at = 0;
  for (const piece of readRows(tensor)) {
    rows.set(piece, at);
    at += piece.length;
  }
  for (let row = 0; row < vocabSize; row++) {
    const values = rows.subarray(row * width, (row + 1) * width);
    const length = Math.hypot(...values) || 1;
    for (let i = 0; i < width; i++) values[i]! /= length;
  }
  return { rows, width };
}

async function nearest(
  { rows, width }: Embedding,
  folder: string,
  { threads, onProgress }: NeighboursOptions,
): Promise<Int32Array> {
  const vocabSize = rows.length / width;
  const name = `neighbours.${process.pid}.partial`;
  const file = new WeightFile(folder, name);
  const graph = new GraphBuilder('cosines');
  graph.input('rows', 'float32', ['T', width]);
  graph.external('all', 'float32', [vocabSize, width], file.append([asBytes(rows)]));
  graph.node('FusedMatMul', ['rows', 'all'], 'cosines', { transB: 1 }, MICROSOFT);
  graph.output('cosines', 'float32', ['T', vocabSize]);
  file.close();
  const input = new Block(cpuDevice(), 4 * ROWS * width);
  const output = new Block(cpuDevice(), 4 * ROWS * vocabSize);
  try {
    const session = await InferenceSession.load(graph.encode(), folder, { threads });
    const ids = new Int32Array(vocabSize * NEAR);
    for (let from = 0; from < vocabSize; from += ROWS) {
      const count = Math.min(ROWS, vocabSize - from);
      new Float32Array(input.buffer).set(rows.subarray(from * width, (from + count) * width));
      await multiply(session, [input, output], count, [vocabSize, width]);
      const cosines = new Float32Array(output.buffer);
      for (let row = 0; row < count; row++) {
        const one = cosines.subarray(row * vocabSize, (row + 1) * vocabSize);
        ids.set(topOf(one, from + row), (from + row) * NEAR);
      }
      onProgress?.(from + count, vocabSize);
    }
    session.release();
    return ids;
  } finally {
    input.release();
    output.release();
    rmSync(join(folder, name), { force: true });
  }
}

async function multiply(
  session: InferenceSession,
  [input, output]: readonly [Block, Block],
  count: number,
  [vocabSize, width]: readonly [number, number],
): Promise<void> {
  const tensors = [
    input.tensor('float32', [count, width]),
    output.tensor('float32', [count, vocabSize]),
  ] as const;
  const binding = session.bind();
  try {
    binding.input('rows', tensors[0]);
    binding.output('cosines', tensors[1]);
    await session.run(binding);
  } finally {
    binding.release();
    for (const tensor of tensors) tensor.release();
  }
}

/** Ids of the `NEAR` largest but `self`, largest first, ties by id. O(V) where few are large. */
function topOf(cosines: Float32Array, self: number): Int32Array {
  const ids = new Int32Array(NEAR);
  const values = new Float32Array(NEAR).fill(Number.NEGATIVE_INFINITY);
  for (let id = 0; id < cosines.length; id++) {
    const value = cosines[id]!;
    if (value <= values[NEAR - 1]! || id === self) continue;
    let at = NEAR - 1;
    for (; at > 0 && values[at - 1]! < value; at--) {
      values[at] = values[at - 1]!;
      ids[at] = ids[at - 1]!;
    }
    values[at] = value;
    ids[at] = id;
  }
  return ids;
}

/** What a product with one matrix takes on this machine, in any form. */
import { randomFillSync } from 'node:crypto';
import { asBytes } from '../tensor-reader.ts';
import type { WeightFile } from '../weight-file.ts';
import { blockParts } from './blocks.ts';
import { columnsType } from './columns-type.ts';
import { columns8Parts } from './columns8.ts';
import { type ProductTrial, tryProduct } from './product-trial.ts';
import type { MatrixForm, PartShape, StoredMatrix } from './stored-matrix.ts';

const RUNS = 4;

/** Milliseconds of the product of each number of `rows` with a matrix [out, inner], scaling included. */
export async function timeProducts(
  form: MatrixForm,
  shape: readonly [number, number],
  rows: readonly number[],
  threads: number,
): Promise<number[]> {
  const parts = await partShapes(form, shape);
  return await tryProduct(
    (file) => randomMatrix(form, file, shape, parts),
    threads,
    async (trial) => {
      const times: number[] = [];
      for (const count of rows) times.push(await fastest(trial, count));
      return times;
    },
  );
}

/** A matrix of random bytes: how long a product takes does not depend on values. */
function randomMatrix(
  form: MatrixForm,
  file: WeightFile,
  shape: readonly [number, number],
  shapes: Record<string, PartShape>,
): StoredMatrix {
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

async function partShapes(
  form: MatrixForm,
  shape: readonly [number, number],
): Promise<Record<string, PartShape>> {
  if (form === 'dense') return { values: { type: 'float32', shape } };
  if (form === 'columns8') return columns8Parts(shape, await columnsType());
  const { values, scales, zeros } = blockParts(form, 'float32', shape);
  return form === 'blocks4' ? { values, scales, zeros } : { values, scales };
}

/** Milliseconds of the fastest of a few runs: other work on the machine only ever adds. */
function fastest(trial: ProductTrial, count: number): Promise<number> {
  return trial.withRows(count, async ({ rows, run }) => {
    for (let i = 0; i < rows.length; i++) rows[i] = (i % 17) - 8;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < RUNS; i++) {
      const started = performance.now();
      await run();
      least = Math.min(least, performance.now() - started);
    }
    return least;
  });
}

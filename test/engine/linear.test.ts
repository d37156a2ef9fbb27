/** The product of int8 rows and int8 columns: what it computes, and that a row's bits are its own. */
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { columnsType, saturates } from '../../gpu-backend/builder/linear/columns-type.ts';
import {
  Columns8Products,
  type ColumnsType,
  storeColumns8,
} from '../../gpu-backend/builder/linear/columns8.ts';
import { quickestForm } from '../../gpu-backend/builder/linear/quickest.ts';
import { RotationGraph } from '../../gpu-backend/builder/linear/rotation-graph.ts';
import { partName, type StoredMatrix } from '../../gpu-backend/builder/linear/stored-matrix.ts';
import { GraphBuilder } from '../../gpu-backend/builder/onnx.ts';
import { Rotation } from '../../gpu-backend/builder/rotation.ts';
import { WeightFile } from '../../gpu-backend/builder/weight-file.ts';
import { InferenceSession } from '../../gpu-backend/ort/inference-session.ts';
import { Block, cpuDevice } from '../../gpu-backend/ort/tensor.ts';
import { maxDifference, randomIntegers } from './driver.ts';
import { temporaryFolder } from './models.ts';

const folder = temporaryFolder();
const sessions: InferenceSession[] = [];
afterAll(() => sessions.forEach((session) => void session.release()));

async function load(graph: GraphBuilder, threads: number): Promise<InferenceSession> {
  const session = await InferenceSession.load(graph.encode(), folder, { threads });
  sessions.push(session);
  return session;
}

/** Runs rows [1, rows, inner] through a graph of one input and one output. */
async function run(session: InferenceSession, rows: Float32Array, inner: number, out: number) {
  const count = rows.length / inner;
  const input = new Block(cpuDevice(), Math.max(4, rows.byteLength));
  const output = new Block(cpuDevice(), Math.max(4, 4 * count * out));
  new Float32Array(input.buffer).set(rows);
  const tensors = [
    input.tensor('float32', [1, count, inner]),
    output.tensor('float32', [1, count, out]),
  ] as const;
  const binding = session.bind();
  binding.input('rows', tensors[0]);
  binding.output('result', tensors[1]);
  await session.run(binding);
  const result = new Float32Array(output.buffer).slice(0, count * out);
  for (const part of [binding, ...tensors, input, output]) part.release();
  return result;
}

function product(matrix: StoredMatrix): GraphBuilder {
  const graph = new GraphBuilder('product');
  const [out, inner] = matrix.shape;
  graph.input('rows', 'float32', [1, 'T', inner]);
  for (const [part, initializer] of Object.entries(matrix.parts)) {
    graph.external(partName('w', part), initializer.type, initializer.shape, initializer);
  }
  new Columns8Products(graph).product('rows', 'w', matrix, 'result');
  graph.output('result', 'float32', [1, 'T', out]);
  return graph;
}

/** Numbers of a bell's shape, with an outlier every hundred. */
function randomRows(count: number, seed: number): Float32Array {
  const random = randomIntegers(seed);
  return Float32Array.from({ length: count }, (_, i) => {
    const value = (random(2001) + random(2001) + random(2001) - 3000) / 1000;
    return i % 97 === 0 ? 20 * value : value;
  });
}

const TYPES: ColumnsType[] = ['int8', 'uint8'];

describe.each(TYPES)('int8 rows times %s columns', (type) => {
  const inner = 200;
  const out = 333;
  const weights = randomRows(out * inner, 1);
  const rows = randomRows(64 * inner, 2);
  rows.fill(0, 5 * inner, 6 * inner);
  const file = new WeightFile(folder, `columns-${type}.bin`);
  // In two pieces, as large matrices come.
  const pieces = [weights.slice(0, 100 * inner), weights.slice(100 * inner)];
  const matrix = storeColumns8(file, [out, inner], pieces, type);
  file.close();

  it('are the product in float32, to a few hundredths', async () => {
    const found = await run(await load(product(matrix), 1), rows, inner, out);
    let error = 0;
    let square = 0;
    for (let row = 0; row < 64; row++) {
      for (let column = 0; column < out; column++) {
        let sum = 0;
        for (let i = 0; i < inner; i++)
          sum += rows[row * inner + i]! * weights[column * inner + i]!;
        error += (found[row * out + column]! - sum) ** 2;
        square += sum ** 2;
      }
    }
    // With one outlier in a hundred a row's step is some six times a typical value's.
    expect(Math.sqrt(error / square)).toBeLessThan(0.06);
    expect(Math.sqrt(error / square)).toBeGreaterThan(0);
    expect(found.subarray(5 * out, 6 * out).every((value) => value === 0)).toBe(true);
  });

  it('give every row the same bits, whatever stands beside it and however many threads', async () => {
    const one = await load(product(matrix), 1);
    const all = await Promise.all([2, 3, 8].map((threads) => load(product(matrix), threads)));
    const whole = await run(one, rows, inner, out);
    const spans = fc.tuple(fc.nat(63), fc.integer({ min: 1, max: 64 }), fc.nat(3));
    await fc.assert(
      fc.asyncProperty(spans, async ([first, wanted, which]) => {
        const count = Math.min(wanted, 64 - first);
        const part = rows.slice(first * inner, (first + count) * inner);
        const found = await run([one, ...all][which]!, part, inner, out);
        expect(found).toEqual(whole.slice(first * out, (first + count) * out));
      }),
      { numRuns: 60 },
    );
  });

  it('take no rows at all', async () => {
    expect(await run(await load(product(matrix), 1), new Float32Array(0), inner, out)).toHaveLength(
      0,
    );
  });
});

describe('the type of columns for this machine', () => {
  const [inner, out] = [300, 40];
  /** Levels that fill their bytes, which are scaled by powers of two alone. */
  const bytes = (count: number, seed: number) => {
    const random = randomIntegers(seed);
    return Float32Array.from({ length: count }, () => (random(255) - 127) / 127);
  };
  const weights = bytes(out * inner, 4);
  const rows = bytes(9 * inner, 5);
  for (let i = 0; i < out; i++) weights[i * inner] = 1;
  for (let i = 0; i < 9; i++) rows[i * inner] = -1;

  async function productOf(type: ColumnsType) {
    const file = new WeightFile(folder, `machine-${type}.bin`);
    const matrix = storeColumns8(file, [out, inner], [weights], type);
    file.close();
    return await run(await load(product(matrix), 1), rows, inner, out);
  }

  it('does not saturate, and unsigned never does', async () => {
    expect(await saturates(await columnsType())).toBe(false);
    expect(await saturates('uint8')).toBe(false);
  });

  it('adds without error', async () => {
    const found = await productOf(await columnsType());
    for (let row = 0; row < 9; row++) {
      for (let column = 0; column < out; column++) {
        let sum = 0;
        for (let i = 0; i < inner; i++) {
          sum +=
            Math.round(127 * rows[row * inner + i]!) *
            Math.round(127 * weights[column * inner + i]!);
        }
        expect(found[row * out + column]! * 127 * 127).toBeCloseTo(sum, -1);
      }
    }
  });

  it('does not change a bit of the product, where neither saturates', async () => {
    const [signed, unsigned] = [await productOf('int8'), await productOf('uint8')];
    expect(unsigned).toEqual(await productOf(await columnsType()));
    if (!(await saturates('int8'))) expect(unsigned).toEqual(signed);
  });
});

describe('a rotation', () => {
  it.each([2, 6, 32, 96, 200, 576, 896, 1024])('of %i keeps lengths and comes back', (size) => {
    const rotation = new Rotation(size);
    const rows = randomRows(3 * size, size);
    const turned = rows.slice();
    rotation.turnRows(turned);
    for (let row = 0; row < 3; row++) {
      const length = (values: Float32Array) =>
        Math.hypot(...values.subarray(row * size, (row + 1) * size));
      expect(length(turned)).toBeCloseTo(length(rows), 3);
    }
    // (x·R)·(Rᵀ·W) = x·W, of a matrix of two columns.
    const matrix = randomRows(2 * size, 7);
    const times = (x: Float32Array, w: Float32Array) =>
      [0, 1].map((column) => {
        let sum = 0;
        for (let i = 0; i < size; i++) sum += x[i]! * w[2 * i + column]!;
        return sum;
      });
    const expected = times(rows, matrix);
    rotation.turnColumns(matrix);
    const found = times(turned, matrix);
    const scale = Math.hypot(...matrix) * Math.hypot(...rows.subarray(0, size));
    expect(maxDifference(found, expected)).toBeLessThan(1e-5 * scale);
  });

  it('spreads an outlier over all channels', () => {
    const row = new Float32Array(576);
    row[123] = 100;
    new Rotation(576).turnRows(row);
    // One of nine cosines and of 64 signs; no channel keeps more than √(2 / 576) of it.
    expect(Math.max(...row.map(Math.abs))).toBeLessThan(100 * Math.sqrt(2.001 / 576));
  });

  it.each([6, 32, 576, 896])(
    'of %i is the same in a graph, there and back, of one row or many',
    async (size) => {
      const graph = new GraphBuilder('turn');
      graph.input('rows', 'float32', [1, 'T', size]);
      const turn = new RotationGraph(graph, size);
      graph.node('Identity', [turn.back(turn.forward('rows', 'turned'), 'back')], 'result');
      graph.output('result', 'float32', [1, 'T', size]);
      const forward = new GraphBuilder('forward');
      forward.input('rows', 'float32', [1, 'T', size]);
      new RotationGraph(forward, size).forward('rows', 'result');
      forward.output('result', 'float32', [1, 'T', size]);
      const [both, there] = [await load(graph, 2), await load(forward, 2)];
      const rows = randomRows(9 * size, 3);
      const turned = rows.slice();
      new Rotation(size).turnRows(turned);
      const whole = await run(there, rows, size, size);
      expect(maxDifference(whole, turned)).toBeLessThan(1e-4);
      expect(maxDifference(await run(both, rows, size, size), rows)).toBeLessThan(1e-4);
      for (let row = 0; row < 9; row++) {
        const alone = await run(there, rows.slice(row * size, (row + 1) * size), size, size);
        expect(alone).toEqual(whole.slice(row * size, (row + 1) * size));
      }
    },
  );
});

it('the form that is quickest here is one of the two', async () => {
  expect(['int8', 'int4']).toContain(await quickestForm(512, 1));
});

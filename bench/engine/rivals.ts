/** The same graph through onnxruntime-node's own API, which takes and gives every cache each step. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { MASKED } from '../../gpu-backend/builder/attention.ts';
import { cacheNames } from '../../gpu-backend/builder/cache-names.ts';
import { buildDecoder } from '../../gpu-backend/builder/decoder.ts';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { prepareModel } from '../../gpu-backend/builder/prepare.ts';
import { Weights } from '../../gpu-backend/builder/weights.ts';
import { median } from '../statistics.ts';
import { type Bench, chain, MAX_CONTEXT, sessionWith, timeInTurns } from './setup.ts';

const CONTEXT = 1024;
/** Columns of the caches, as the engine rounds them. */
const WIDTH = CONTEXT + 32;
const NODES = [1, 8];
/** Both have threads that spin for a while after a step, and would take the cores from the other's next. */
const STEPS_IN_TURN = 16;
/** On a busy machine one round says little: odd, for a median. */
const ROUNDS = 7;
/** It warns at every step that it copies the caches. */
const ERRORS_ONLY = 3;

export interface Rival {
  nodes: number;
  context: number;
  engineMs: number;
  onnxruntimeNodeMs: number;
  /** Medians of the rounds, the ratio's as well. */
  ratio: number;
  lowest: number;
  highest: number;
}

export async function againstOnnxruntimeNode(bench: Bench): Promise<Rival[]> {
  const engine = await bench.open({ slots: 1 });
  const rival = await openRival(bench);
  try {
    const slot = await sessionWith(engine, CONTEXT, 'rival');
    const results: Rival[] = [];
    for (const nodes of NODES) {
      const rounds: { engineMs: number; onnxruntimeNodeMs: number; ratio: number }[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const [engineMs = 0, onnxruntimeNodeMs = 0] = await timeInTurns(
          bench.repeats,
          [
            () => engine.step([chain(slot, nodes, engine.limits.vocabSize)]),
            () => rival.step(nodes),
          ],
          STEPS_IN_TURN,
        );
        rounds.push({ engineMs, onnxruntimeNodeMs, ratio: onnxruntimeNodeMs / engineMs });
      }
      const ratios = rounds.map(({ ratio }) => ratio);
      results.push({
        nodes,
        context: CONTEXT,
        engineMs: median(rounds.map((round) => round.engineMs)),
        onnxruntimeNodeMs: median(rounds.map((round) => round.onnxruntimeNodeMs)),
        ratio: median(ratios),
        lowest: Math.min(...ratios),
        highest: Math.max(...ratios),
      });
    }
    return results;
  } finally {
    engine.close();
    await rival.close();
  }
}

async function openRival(bench: Bench) {
  const prepared = prepareModel(readModelFolder(bench.model), bench.cacheFolder, {
    compute: 'float32',
  });
  const { config } = prepared.model;
  const weights = new Weights(config, prepared.layout, MAX_CONTEXT);
  const file = join(prepared.folder, 'rival.onnx');
  writeFileSync(file, buildDecoder(config, weights, { attention: 'exact', lanes: 1 }));
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: bench.threads,
    logSeverityLevel: ERRORS_ONLY,
  });
  const names = Array.from({ length: config.layers }, (_, layer) => cacheNames(layer, 0)).flat();
  const shape = [1, WIDTH, config.kvHeads * config.headDim];
  const size = shape.reduce((product, n) => product * n, 1);
  /** What a step gave as caches is what the next one takes. */
  let caches: Record<string, ort.Tensor> = Object.fromEntries(
    names.map(({ input }) => [input, new ort.Tensor('float32', new Float32Array(size), shape)]),
  );
  const integers = (values: number[], dims: number[]) =>
    new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);

  async function step(nodes: number): Promise<void> {
    const rows = Array.from({ length: nodes }, (_, i) => i);
    const mask = new Float32Array(nodes * WIDTH).fill(MASKED.float32);
    for (const row of rows) mask.fill(0, row * WIDTH, row * WIDTH + CONTEXT + row + 1);
    const results = await session.run({
      ...caches,
      input_ids: integers(rows, [1, nodes]),
      position_ids: integers(
        rows.map((row) => CONTEXT + row),
        [1, nodes],
      ),
      logit_rows: integers(rows, [nodes]),
      'mask.0': new ort.Tensor('float32', mask, [1, 1, nodes, WIDTH]),
      'write.0': integers([CONTEXT], [1]),
    });
    caches = Object.fromEntries(names.map(({ input, output }) => [input, results[output]!]));
  }
  return { step, close: () => session.release() };
}

/** Step time by nodes, context and batch, and what the cost curve had said. */
import type { Slot } from '../../gpu-backend/engine/engine.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { type Bench, chain, sessionWith, timeInTurns } from './setup.ts';

const NODES = [1, 2, 4, 8, 16, 32, 64];
const CONTEXTS = [128, 512, 1024, 2048, 4096];
const BATCHES = [1, 2, 4, 8];
const BATCH_CONTEXT = 256;

export interface StepCost {
  rows: number;
  batch: number;
  context: number;
  milliseconds: number;
  /** What the engine's cost curve expected before it was measured here. */
  expected: number;
}

export async function stepCosts(bench: Bench): Promise<StepCost[]> {
  const engine = await bench.open({ slots: 8 });
  const costs: StepCost[] = [];
  try {
    for (const context of CONTEXTS) costs.push(...(await oneSession(bench, engine, context)));
    for (const batch of BATCHES) costs.push(...(await several(bench, engine, batch)));
  } finally {
    engine.close();
  }
  return costs;
}

async function oneSession(bench: Bench, engine: OrtEngine, context: number): Promise<StepCost[]> {
  const slot = await sessionWith(engine, context, `context ${context}`);
  const { vocabSize } = engine.limits;
  const expected = NODES.map((rows) => engine.stepCost(rows, 1, context));
  const times = await timeInTurns(
    bench.repeats,
    NODES.map((rows) => () => engine.step([chain(slot, rows, vocabSize)])),
  );
  engine.release(slot);
  return NODES.map((rows, i) => ({
    rows,
    batch: 1,
    context,
    milliseconds: times[i]!,
    expected: expected[i]!,
  }));
}

/** Each session with one row, and each with eight. */
async function several(bench: Bench, engine: OrtEngine, batch: number): Promise<StepCost[]> {
  const slots: Slot[] = [];
  for (let i = 0; i < batch; i++)
    slots.push(await sessionWith(engine, BATCH_CONTEXT, `batch ${i}`));
  const { vocabSize } = engine.limits;
  const each = [1, 8];
  const expected = each.map((rows) => engine.stepCost(rows * batch, batch, BATCH_CONTEXT));
  const times = await timeInTurns(
    bench.repeats,
    each.map((rows) => () => engine.step(slots.map((slot) => chain(slot, rows, vocabSize)))),
  );
  for (const slot of slots) engine.release(slot);
  return each.map((rows, i) => ({
    rows: rows * batch,
    batch,
    context: BATCH_CONTEXT,
    milliseconds: times[i]!,
    expected: expected[i]!,
  }));
}

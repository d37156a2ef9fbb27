/** Tokens a second of eight sessions in one run against one session alone, in the engine's two forms of lanes. */
import type { Slot } from '../../gpu-backend/engine/engine.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { type Bench, chain, sessionWith, timeInTurns } from './setup.ts';

const BATCH = 8;
const CONTEXT = 256;
/** Contexts of eight sessions that differ, as in service. */
const RAGGED = [64, 128, 192, 256, 320, 512, 768, 1024];
const RETRY_MS = 20;
const MAX_TRIES = 1_000;

export interface Batching {
  context: string;
  lanes: 'own' | 'shared';
  oneMs: number;
  eightMs: number;
  /** Tokens a second of eight over tokens a second of one, each feeding one row. */
  ratio: number;
}

export async function batching(bench: Bench): Promise<Batching[]> {
  const results: Batching[] = [];
  for (const sharedLanes of [false, true]) {
    const engine = await bench.open({ slots: BATCH, sharedLanes, maxContext: 1088 });
    try {
      await loadAllGraphs(engine);
      for (const [name, contexts] of [
        [`${CONTEXT} each`, Array<number>(BATCH).fill(CONTEXT)],
        [`${RAGGED[0]} to ${RAGGED.at(-1)}`, RAGGED],
      ] as const) {
        results.push({
          context: name,
          lanes: sharedLanes ? 'shared' : 'own',
          ...(await compare(bench, engine, contexts)),
        });
      }
    } finally {
      engine.close();
    }
  }
  return results;
}

async function compare(bench: Bench, engine: OrtEngine, contexts: readonly number[]) {
  const slots: Slot[] = [];
  for (const [i, context] of contexts.entries()) {
    slots.push(await sessionWith(engine, context, `${contexts} ${i}`));
  }
  const { vocabSize } = engine.limits;
  // One after another the sessions take eight steps: their mean is what one alone costs.
  const [eachMs = 0, eightMs = 0] = await timeInTurns(bench.repeats, [
    async () => {
      for (const slot of slots) await engine.step([chain(slot, 1, vocabSize)]);
    },
    () => engine.step(slots.map((slot) => chain(slot, 1, vocabSize))),
  ]);
  for (const slot of slots) engine.release(slot);
  const oneMs = eachMs / BATCH;
  return { oneMs, eightMs, ratio: (BATCH * oneMs) / eightMs };
}

/** The graph for eight lanes is fetched when it is first wanted: want it, until it is used. */
async function loadAllGraphs(engine: OrtEngine): Promise<void> {
  const slots: Slot[] = [];
  for (let i = 0; i < BATCH; i++) slots.push(await sessionWith(engine, 1, `load ${i}`));
  for (let tries = 0; ; tries++) {
    if (tries === MAX_TRIES) throw new Error('the graph for eight sessions did not load');
    const before = engine.spent.runs;
    await engine.step(slots.map((slot) => chain(slot, 1, engine.limits.vocabSize)));
    if (engine.spent.runs === before + 1) break;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  for (const slot of slots) engine.release(slot);
}

/** What exact attention costs: its steps and prompts against those of fused attention, in turns. */
import type { AttentionForm } from '../../gpu-backend/builder/attention-kernel.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { median } from '../statistics.ts';
import { type Bench, chain, feed, sessionWith } from './setup.ts';

const ROWS = [1, 2, 4, 8, 16];
const CONTEXTS = [128, 512, 1024, 2016];
/** A prompt, whole chunks of it at a time; the fused form takes it in the first of these. */
const PROMPT = 512;
const CHUNKS = [256, 128, 64, 32];
const WARM_UP = 1;

export interface AttentionCost {
  /** Tokens in the cache; for a prompt, its length. */
  context: number;
  /** Rows of a step, or of a chunk of a prompt. */
  rows: number;
  what: 'step' | 'prompt';
  fusedMs: number;
  exactMs: number;
  /** Exact over fused, the median over turns. */
  ratio: number;
}

export async function attentionCost(bench: Bench): Promise<AttentionCost[]> {
  const open = (attention: AttentionForm) => bench.open({ attention, slots: 2, maxContext: 2304 });
  const fused = await open('fused');
  const exact = await open('exact');
  try {
    const costs: AttentionCost[] = [];
    for (const context of CONTEXTS) costs.push(...(await steps(bench, fused, exact, context)));
    for (const rows of CHUNKS) {
      const actions = [prompt(fused, CHUNKS[0]!), prompt(exact, rows)] as const;
      const found = await inTurns(bench, Math.ceil(bench.repeats / 3), actions);
      costs.push({ context: PROMPT, rows, what: 'prompt', ...found });
    }
    return costs;
  } finally {
    fused.close();
    exact.close();
  }
}

async function steps(
  bench: Bench,
  fused: OrtEngine,
  exact: OrtEngine,
  context: number,
): Promise<AttentionCost[]> {
  const sessions = await Promise.all(
    [fused, exact].map(async (engine) => ({
      engine,
      slot: await sessionWith(engine, context, `context ${context}`),
    })),
  );
  const costs: AttentionCost[] = [];
  for (const rows of ROWS) {
    const [a, b] = sessions.map(
      ({ engine, slot }) =>
        () =>
          engine.step([chain(slot, rows, engine.limits.vocabSize)]),
    );
    const found = await inTurns(bench, bench.repeats, [a!, b!]);
    costs.push({ context, rows, what: 'step', ...found });
  }
  for (const { engine, slot } of sessions) engine.release(slot);
  return costs;
}

/** Feeds a prompt whose logits nobody wants, as prefill does. */
function prompt(engine: OrtEngine, rows: number): () => Promise<void> {
  let asked = 0;
  return async () => {
    const slot = engine.acquire(Int32Array.of(1), PROMPT, `prompt ${rows} ${asked++}`);
    if (!slot) throw new Error('no slot is free');
    while (slot.length < PROMPT)
      await feed(engine, chain(slot, rows, engine.limits.vocabSize, rows));
    engine.release(slot);
  };
}

async function inTurns(
  bench: Bench,
  repeats: number,
  actions: readonly [() => Promise<void>, () => Promise<void>],
) {
  const times: [number[], number[]] = [[], []];
  for (let turn = 0; turn < repeats + WARM_UP; turn++) {
    for (const which of [0, 1] as const) {
      const took = await milliseconds(bench.threads, actions[which]);
      if (turn >= WARM_UP) times[which].push(took);
    }
  }
  const [fused, exact] = times;
  return {
    fusedMs: median(fused),
    exactMs: median(exact),
    ratio: median(exact.map((took, i) => took / fused[i]!)),
  };
}

/** Processor time where one thread does all, which others on the machine don't lengthen; else time by the clock. */
async function milliseconds(threads: number, action: () => Promise<void>): Promise<number> {
  const started = performance.now();
  const before = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(before);
  return threads === 1 ? (user + system) / 1000 : performance.now() - started;
}

/** Means of the ratios: of all steps, and of prompts by their chunk. */
export function attentionMeans(costs: readonly AttentionCost[]) {
  const mean = (of: readonly AttentionCost[]) =>
    of.reduce((sum, { ratio }) => sum + ratio, 0) / of.length;
  const prompts = costs.filter(({ what }) => what === 'prompt');
  return {
    step: mean(costs.filter(({ what }) => what === 'step')),
    prompt: Math.min(...prompts.map(({ ratio }) => ratio)),
  };
}

/** What a step costs beyond the run of the graph, and ten thousand of them in memory. */
import { readFileSync } from 'node:fs';
import type { Slot } from '../../gpu-backend/engine/engine.ts';
import { median } from '../statistics.ts';
import { type Bench, chain, sessionWith } from './setup.ts';

const CONTEXT = 256;
const STEPS = 10_000;

export interface Overhead {
  /** Median milliseconds of step and commit that are not spent waiting for the graph. */
  oneSession: number;
  eightSessions: number;
}

export async function overhead(bench: Bench): Promise<Overhead> {
  const engine = await bench.open({ slots: 8 });
  try {
    const measure = async (batch: number) => {
      const slots: Slot[] = [];
      for (let i = 0; i < batch; i++)
        slots.push(await sessionWith(engine, CONTEXT, `${batch} ${i}`));
      const ours: number[] = [];
      for (let i = 0; i < 20 * bench.repeats; i++) {
        const rows = slots.map((slot) => chain(slot, 8, engine.limits.vocabSize));
        const graph = engine.spent.milliseconds;
        const started = performance.now();
        await engine.step(rows);
        for (const slot of slots) engine.commit(slot, [], 0);
        ours.push(performance.now() - started - (engine.spent.milliseconds - graph));
      }
      for (const slot of slots) engine.release(slot);
      return median(ours);
    };
    return { oneSession: await measure(1), eightSessions: await measure(8) };
  } finally {
    engine.close();
  }
}

export interface Memory {
  steps: number;
  /** Resident bytes before and after, without the JS heap. */
  beforeBytes: number;
  afterBytes: number;
}

export async function memory(bench: Bench): Promise<Memory | null> {
  if (process.platform !== 'linux') return null;
  const engine = await bench.open({ slots: 2 });
  try {
    const run = async (count: number) => {
      let slot = await sessionWith(engine, 64, 'memory');
      for (let i = 0; i < count; i++) {
        if (slot.length > 512) {
          engine.release(slot);
          slot = await sessionWith(engine, 64, `memory ${i}`);
        }
        await engine.step([chain(slot, 1 + (i % 9), engine.limits.vocabSize)]);
        engine.commit(slot, [0], 1);
      }
      engine.release(slot);
    };
    await run(STEPS / 5);
    const beforeBytes = resident();
    await run(STEPS);
    return { steps: STEPS, beforeBytes, afterBytes: resident() };
  } finally {
    engine.close();
  }
}

function resident(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  const kilobytes = Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]);
  return kilobytes * 1024 - process.memoryUsage().heapTotal;
}

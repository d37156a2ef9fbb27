/** Times a few runs of a fresh engine, so that its first trees are sized by more than a guess. */
import { performance } from 'node:perf_hooks';
import type { Engine } from './engine.ts';

/** Rows of a plain step, and of one with a tree: what they take apart from each other is all that matters. */
export const PROBED_ROWS = [2, 16] as const;
/** In turns, so that a busy moment of the machine meets both. */
const ROUNDS = 3;
/** After so long it is left at that: steps will teach the rest, and a large model must not hold up its start. */
const PATIENCE_MS = 1_000;

/** Learns from runs on `engine`, which must be idle. */
export async function calibrate(engine: Pick<Engine, 'probe'>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let round = 0; round < ROUNDS; round++) {
    for (const rows of PROBED_ROWS) {
      if (performance.now() > deadline) return;
      await engine.probe(rows);
    }
  }
}

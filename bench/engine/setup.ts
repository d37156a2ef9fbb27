/** The engine under measurement: the bundled model, with room for longer contexts than it was trained on. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Slot, StepRow } from '../../gpu-backend/engine/engine.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { ortLibrary } from '../../gpu-backend/ort/library.ts';

const BUNDLED = fileURLToPath(new URL('../../models/target', import.meta.url));
/** Rotary embedding goes on as far as one likes: time does not depend on what the text means. */
export const MAX_CONTEXT = 4608;
/** Rounds that are not timed. */
const WARM_UP = 2;
/** Short actions are repeated for so long in all, to meet quiet moments of the machine. */
const LEAST_MS = 4_000;

export interface Bench {
  /** A copy of the model with a longer limit. */
  model: string;
  cacheFolder: string;
  /** Timed runs of each case, at least. */
  repeats: number;
  /** Threads of ONNX Runtime. */
  threads: number;
  open(options?: EngineOptions): Promise<OrtEngine>;
}

/** Calls `body`, and removes what was made for it. */
export async function withBench<T>(
  model: string | undefined,
  repeats: number,
  threads: number,
  body: (bench: Bench) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-bench-'));
  const stretched = join(folder, 'model');
  cpSync(model ?? BUNDLED, stretched, { recursive: true });
  const file = join(stretched, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  config.max_position_embeddings = Math.max(MAX_CONTEXT, config.max_position_embeddings);
  writeFileSync(file, JSON.stringify(config));
  const cacheFolder = join(folder, 'cache');
  try {
    return await body({
      model: stretched,
      cacheFolder,
      repeats,
      threads,
      open: (options) =>
        openEngine(stretched, { maxContext: MAX_CONTEXT, cacheFolder, threads, ...options }),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    onnxruntime: ortLibrary().version,
    /** Processes that wanted a core in the last minute: above `cores`, times are too long. */
    load: loadavg()[0],
  };
}

/** A chain of `count` rows with any tokens. */
export function chain(slot: Slot, count: number, vocabulary: number, logitsFrom = 0): StepRow {
  return {
    slot,
    count,
    tokens: Int32Array.from({ length: count }, (_, i) => (i * 37 + slot.length) % vocabulary),
    parents: Int16Array.from({ length: count }, (_, i) => i - 1),
    logitsFrom,
    logits: new Float32Array(0),
  };
}

/** A new session with `context` tokens in its cache. */
export async function sessionWith(
  engine: OrtEngine,
  context: number,
  namespace: string,
): Promise<Slot> {
  const slot = engine.acquire(Int32Array.of(1), engine.limits.maxContext, namespace);
  if (!slot) throw new Error('no slot is free');
  while (slot.length < context) {
    const count = Math.min(256, context - slot.length);
    await feed(engine, chain(slot, count, engine.limits.vocabSize, count));
  }
  return slot;
}

/** Runs and commits a chain. */
export async function feed(engine: OrtEngine, row: StepRow): Promise<void> {
  await engine.step([row]);
  engine.commit(
    row.slot,
    Array.from({ length: row.count }, (_, i) => i),
    row.count,
  );
}

/**
 * Milliseconds of each action's fastest run: other work on the machine only ever
 * adds. They take turns, so that a busy time hits all alike; a turn is `inTurn`
 * runs, of which the first half is not timed where it has several.
 */
export async function timeInTurns(
  repeats: number,
  actions: readonly (() => Promise<unknown>)[],
  inTurn = 1,
  leastMs = LEAST_MS,
): Promise<number[]> {
  const fastest = actions.map(() => Number.POSITIVE_INFINITY);
  const enough = performance.now() + leastMs;
  for (let i = 0; i < repeats + WARM_UP || performance.now() < enough; i++) {
    for (const [which, action] of actions.entries()) {
      for (let run = 0; run < inTurn; run++) {
        const started = performance.now();
        await action();
        const took = performance.now() - started;
        const timed = i >= WARM_UP && run >= inTurn >> 1;
        if (timed) fastest[which] = Math.min(fastest[which]!, took);
      }
    }
  }
  return fastest;
}

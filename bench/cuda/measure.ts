/**
 * What a device computes and how fast: its logits against the CPU's, its steps against the time
 * that its memory takes to be read, tokens a second by sessions, and what many steps leave.
 */
import type { Quantization } from '../../gpu-backend/builder/quantization.ts';
import type { Slot, StepRow } from '../../gpu-backend/engine/engine.ts';
import { bytesPerToken } from '../../gpu-backend/engine/kv-pool.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { RECYCLED_SUCCESSORS } from '../../src/draft/stores/recycled-table.ts';
import { argmax, maxDifference, treeRow, upTo } from '../../test/engine/driver.ts';
import { chain, feed, sessionWith, timeInTurns } from '../engine/setup.ts';
import { bytesPerMillisecond } from './bandwidth.ts';
import { type EqualBits, equalBits } from './bits.ts';
import { matrixBytesOf } from './matrix-bytes.ts';

export interface MeasureOptions {
  model: string;
  provider: 'cpu' | 'cuda';
  quantization: Quantization;
  cacheFolder: string;
  /** Steps are captured and replayed, on CUDA. */
  replayed: boolean;
}

interface StepTime {
  sessions: number;
  rows: number;
  context: number;
  milliseconds: number;
  /** What reading the matrices and the sessions' caches once would take. */
  floor: number;
}

export interface Measurement {
  quantization: Quantization;
  gigabytesPerSecond: number;
  /** Over the rows of a tree, and of another one after a branch of it was committed in place; null where no CPU computed them. */
  agreement: { rows: number; sameToken: number; largestDifference: number } | null;
  steps: StepTime[];
  /** Sessions of one row each. */
  throughput: { sessions: number; tokensPerSecond: number }[];
  leak: { steps: number; residentBytes: number } | null;
  bits: EqualBits;
}

const ROWS = [1, 4, 16, 64];
const CONTEXTS = [128, 1024, 4096, 8000];
const SESSIONS = [1, 2, 4, 8, 16];
const SHARED_CONTEXT = 128;
const COMPARED_ROWS = 16;
const COMPARED_CONTEXT = 64;
/** Rows to the right of their parents, so that a commit moves them. */
const COMMITTED = [0, 2, 6];
const LEAK_ROWS = 4;
const REPEATS = 5;
const MAX_CONTEXT = 8192;
const MEMORY_BYTES = 8 * 2 ** 30;
/** Logits of float16 have eleven bits, and layers add up what was rounded. */
const LOGIT_TOLERANCE = 1;
/** A leaked value takes some 200 bytes, and a step makes about ten. */
const LEAK_BYTES = 8 * 2 ** 20;

export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { model, provider, quantization, cacheFolder, replayed } = options;
  const common: EngineOptions = { quantization, cacheFolder, cudaGraphs: replayed };
  return await measureOn(
    quantization,
    provider,
    (own) => openEngine(model, { ...common, ...own }),
    (own) => openEngine(model, { ...common, ...own }),
  );
}

/** How much is repeated: less, where no number is wanted. */
interface Effort {
  /** Each group of steps is repeated for so long. */
  leastMs: number | undefined;
  leakSteps: number;
}

const FULL_EFFORT: Effort = { leastMs: undefined, leakSteps: 10_000 };
/** On a runtime without a device. */
export const NO_EFFORT: Effort = { leastMs: 0, leakSteps: 200 };

type Opener = (options: EngineOptions) => Promise<OrtEngine>;

/**
 * @param open the model on `provider`
 * @param openReference the same on the CPU; null for a model that a CPU is too slow for, whose
 *   steps are timed and nothing else
 */
export async function measureOn(
  quantization: Quantization,
  provider: 'cpu' | 'cuda',
  open: Opener,
  openReference: Opener | null,
  { leastMs, leakSteps }: Effort = FULL_EFFORT,
): Promise<Measurement> {
  const device = provider === 'cuda' ? { deviceId: 0, memoryBytes: 0 } : undefined;
  const reference = await openReference?.({
    maxContext: MAX_CONTEXT,
    compute: 'float32',
    slots: 1,
  });
  const expected = reference && (await treeLogits(reference).finally(() => reference.close()));
  const engine = await open({
    maxContext: MAX_CONTEXT,
    provider,
    slots: Math.max(...SESSIONS),
    memoryBytes: MEMORY_BYTES,
  });
  try {
    const bandwidth = await bytesPerMillisecond(device, leastMs);
    return {
      quantization,
      gigabytesPerSecond: bandwidth / 1e6,
      agreement: expected ? compare(expected, await treeLogits(engine)) : null,
      steps: await stepTimes(engine, bandwidth, leastMs),
      throughput: await throughput(engine, leastMs),
      leak: expected ? await leak(engine, leakSteps) : null,
      bits: await equalBits(engine),
    };
  } finally {
    engine.close();
  }
}

/** What is not as it should be, each in a sentence. */
export function measurementFaults({ quantization, agreement, leak }: Measurement): string[] {
  const faults: string[] = [];
  // NaN is never within the tolerance.
  if (agreement && !(agreement.largestDifference <= LOGIT_TOLERANCE)) {
    faults.push(`${quantization}: logits differ from the CPU's by ${agreement.largestDifference}`);
  }
  if (leak && leak.residentBytes > LEAK_BYTES) {
    faults.push(`${quantization}: ${leak.steps} steps left ${leak.residentBytes} bytes`);
  }
  return faults;
}

/** Of each row of a tree behind a prompt, and of one behind a branch of the first. */
async function treeLogits(engine: OrtEngine): Promise<Float32Array[]> {
  const slot = await sessionWith(engine, COMPARED_CONTEXT, 'compared');
  const rows = upTo(COMPARED_ROWS);
  const { vocabSize } = engine.limits;
  const logits: Float32Array[] = [];
  for (const first of [5, 7]) {
    const tree = treeRow(
      slot,
      rows.map((row) => (row * 31 + first) % vocabSize),
      rows.map((row) => Math.floor((row - 1) / 2)),
    );
    await engine.step([tree]);
    for (const row of rows) {
      logits.push(tree.logits.slice(row * vocabSize, (row + 1) * vocabSize));
    }
    engine.commit(slot, COMMITTED, COMMITTED.length);
  }
  engine.release(slot);
  return logits;
}

function compare(expected: readonly Float32Array[], found: readonly Float32Array[]) {
  return {
    rows: expected.length,
    sameToken: expected.filter((row, i) => argmax(row) === argmax(found[i]!)).length,
    largestDifference: Math.max(...expected.map((row, i) => maxDifference(row, found[i]!))),
  };
}

async function stepTimes(
  engine: OrtEngine,
  bandwidth: number,
  leastMs: number | undefined,
): Promise<StepTime[]> {
  const { prepared, pools } = engine.parts;
  const matrices = matrixBytesOf(prepared);
  const tokenBytes = bytesPerToken(pools[0]!.shape);
  const times: StepTime[] = [];
  const longest = engine.limits.maxContext - Math.max(...ROWS);
  for (const context of CONTEXTS.filter((tokens) => tokens <= longest)) {
    const slot = await sessionWith(engine, context, `context ${context}`);
    const actions = ROWS.map((rows) => () => turnStep(engine, [slot], rows));
    const milliseconds = await timeInTurns(REPEATS, actions, 1, leastMs);
    const floor = (matrices + context * tokenBytes) / bandwidth;
    ROWS.forEach((rows, i) => {
      times.push({ sessions: 1, rows, context, milliseconds: milliseconds[i]!, floor });
    });
    engine.release(slot);
  }
  return times;
}

async function throughput(
  engine: OrtEngine,
  leastMs: number | undefined,
): Promise<Measurement['throughput']> {
  const found: Measurement['throughput'] = [];
  const slots: Slot[] = [];
  for (const sessions of SESSIONS.filter((count) => count <= engine.limits.slots)) {
    while (slots.length < sessions) {
      slots.push(await sessionWith(engine, SHARED_CONTEXT, `session ${slots.length}`));
    }
    const action = () => turnStep(engine, slots, 1);
    const [milliseconds = 0] = await timeInTurns(REPEATS, [action], 1, leastMs);
    found.push({ sessions, tokensPerSecond: (1000 * sessions) / milliseconds });
  }
  for (const slot of slots) engine.release(slot);
  return found;
}

/** Bytes of this process that `steps` steps and commits leave. */
async function leak(engine: OrtEngine, steps: number): Promise<Measurement['leak']> {
  const round = async (count: number) => {
    for (let done = 0; done < count; ) {
      const slot = await sessionWith(engine, 1, `leak ${done}`);
      for (; slot.length + LEAK_ROWS < SHARED_CONTEXT && done < count; done++) {
        await feed(engine, row(engine, slot, LEAK_ROWS));
      }
      engine.release(slot);
    }
  };
  await round(steps / 10);
  const before = process.memoryUsage.rss();
  await round(steps);
  return { steps, residentBytes: process.memoryUsage.rss() - before };
}

/** A step as turns make it: each reads the first row's logits, and learns what may follow all. */
async function turnStep(engine: OrtEngine, slots: readonly Slot[], count: number): Promise<void> {
  const rows = slots.map((slot) => ({
    ...row(engine, slot, count),
    selective: true,
    top: RECYCLED_SUCCESSORS,
    load: undefined as StepRow['load'],
  }));
  await engine.step(rows);
  for (const { load } of rows) load?.(0);
}

function row(engine: OrtEngine, slot: Slot, rows: number) {
  return chain(slot, rows, engine.limits.vocabSize);
}

/** Compares what the engine computes of a checkpoint with what its golden.json says it should. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModelFolder } from '../builder/model-folder.ts';
import type { StoredType } from '../builder/stored-tensor.ts';
import { readWeightIndex } from '../builder/weight-index.ts';
import type { Engine, Slot } from '../engine/engine.ts';
import { openEngine } from '../engine/open.ts';
import { argmax } from '../logits/largest.ts';

/** What another implementation gives for the same weights, in float32. */
interface Golden {
  input_ids: number[];
  /** Logits after the last of `input_ids`. */
  last_logits: number[];
  argmax_per_position: number[];
  greedy_continuation: number[];
  reference: string;
}

export interface GoldenReport {
  model: string;
  /** How the checkpoint stores its weights. */
  stored: StoredType;
  maxLogitDifference: number;
  tolerance: number;
  /** Positions whose argmax agrees, of `positions`. */
  argmaxAgreements: number;
  positions: number;
  /** Tokens of the greedy continuation that agree before the first that does not, of `continuation`. */
  greedyAgreements: number;
  continuation: number;
  /** Whether all agree, but for choices that rounding of the stored type decides. */
  passed: boolean;
}

/**
 * How far logits may lie from the reference: for float32 absolute; for stored
 * types that round, a share of the largest logit, as the reference may have been
 * computed before the weights were rounded.
 */
const FLOAT32_TOLERANCE = 1e-4;
const ROUNDING_SHARE: Partial<Record<StoredType, number>> = { F16: 2 ** -10, BF16: 2 ** -7 };

/** Throws where the checkpoint or its golden.json cannot be read. */
export async function checkGolden(folder: string, cacheFolder?: string): Promise<GoldenReport> {
  const file = join(folder, 'golden.json');
  if (!existsSync(file)) {
    throw new Error(`${folder} has no golden.json to compare with; --exact and --text need none`);
  }
  const golden: Golden = JSON.parse(readFileSync(file, 'utf8'));
  const stored = widestType(folder);
  const engine = await openEngine(folder, { slots: 1, cacheFolder });
  try {
    return await compare(readModelFolder(folder).manifest.name, stored, golden, engine);
  } finally {
    engine.close();
  }
}

async function compare(
  model: string,
  stored: StoredType,
  golden: Golden,
  engine: Engine,
): Promise<GoldenReport> {
  const { vocabSize } = engine.limits;
  const { input_ids: prompt, greedy_continuation: continuation } = golden;
  const slot = engine.acquire(
    Int32Array.from(prompt),
    prompt.length + continuation.length,
    'alone',
  );
  if (!slot) throw new Error('golden.json is longer than the model’s context');
  const logits = await feed(engine, slot, prompt);
  const last = logits.slice(-vocabSize);
  const scale = Math.max(...golden.last_logits.map(Math.abs));
  const tolerance = Math.max(FLOAT32_TOLERANCE, (ROUNDING_SHARE[stored] ?? 0) * scale);
  const excused = (row: Float32Array, expected: number) =>
    stored in ROUNDING_SHARE && row[argmax(row)]! - row[expected]! <= tolerance;

  const rows = prompt.map((_, i) => logits.subarray(i * vocabSize, (i + 1) * vocabSize));
  const expected = golden.argmax_per_position;
  const agreeing = rows.filter((row, i) => argmax(row) === expected[i]);
  const argmaxPassed = rows.every(
    (row, i) => argmax(row) === expected[i] || excused(row, expected[i]!),
  );

  let greedyAgreements = 0;
  let greedyPassed = true;
  let row: Float32Array = last;
  for (const token of continuation) {
    if (argmax(row) !== token) {
      greedyPassed = excused(row, token);
      break;
    }
    greedyAgreements++;
    row = await feed(engine, slot, [token]);
  }
  const maxLogitDifference = largestDifference(last, golden.last_logits);
  return {
    model,
    stored,
    maxLogitDifference,
    tolerance,
    argmaxAgreements: agreeing.length,
    positions: prompt.length,
    greedyAgreements,
    continuation: continuation.length,
    passed: maxLogitDifference <= tolerance && argmaxPassed && greedyPassed,
  };
}

/** The logits of every token, copied. */
async function feed(engine: Engine, slot: Slot, tokens: number[]): Promise<Float32Array> {
  const count = tokens.length;
  const row = {
    slot,
    count,
    tokens: Int32Array.from(tokens),
    parents: Int16Array.from(tokens, (_, i) => i - 1),
    logitsFrom: 0,
    logits: new Float32Array(0),
  };
  await engine.step([row]);
  const logits = row.logits.slice();
  engine.commit(
    slot,
    tokens.map((_, i) => i),
    count,
  );
  return logits;
}

/** The type of the matrices; norms are often kept wider. */
function widestType(folder: string): StoredType {
  const tensors = [...readWeightIndex(folder).values()].sort((a, b) => b.bytes - a.bytes);
  if (!tensors[0]) throw new Error(`${folder} holds no tensors`);
  return tensors[0].type;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = difference; // a NaN counts as worst
  }
  return worst;
}

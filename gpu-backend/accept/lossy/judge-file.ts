/**
 * The judge of a model, kept beside it.
 *
 * `judge.json`: `weights`, one number a dimension of the hidden state, `bias`, `threshold`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JudgeHead } from './judge.ts';

const JUDGE_FILE = 'judge.json';

/** Undefined where the model has no judge. Throws where the file is none, or another model's. */
export function readJudge(folder: string, hiddenSize: number): JudgeHead | undefined {
  const file = join(folder, JUDGE_FILE);
  if (!existsSync(file)) return undefined;
  const { weights, bias, threshold } = JSON.parse(readFileSync(file, 'utf8'));
  const numbers = [bias, threshold, ...(Array.isArray(weights) ? weights : [])];
  if (numbers.length !== hiddenSize + 2 || !numbers.every(Number.isFinite)) {
    throw new Error(
      `${file} needs bias, threshold and ${hiddenSize} weights, all of them numbers: train it for this model`,
    );
  }
  return { weights: Float32Array.from(weights), bias, threshold };
}

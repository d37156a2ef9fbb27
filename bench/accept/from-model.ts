/** The recording of a real model. */
import { availableParallelism } from 'node:os';
import { openModel } from '../../bin/open-model.ts';
import { readNeighbours } from '../../gpu-backend/accept/lossy/neighbour-table.ts';
import { writeNeighbours } from '../../gpu-backend/builder/neighbours.ts';
import { UNGROUNDED } from '../drafters/prompts.ts';
import { record } from './record.ts';
import type { Recording } from './recording.ts';

/** Of every kind in the list some. */
const EVERY = 4;
const TOKENS = 20;

export async function recordFrom(file: string): Promise<Recording> {
  const model = await openModel(file, { slots: 2 }, 'int8');
  const { engine, path, name, stopIds } = model;
  try {
    const questions = UNGROUNDED.filter((_, i) => i % EVERY === 0);
    const prompts = await Promise.all(questions.map(model.promptOf));
    const neighbours = await neighboursOf(path, engine.limits.vocabSize);
    return await record(engine, { target: name, prompts, tokens: TOKENS, stopIds, neighbours });
  } finally {
    engine.close();
  }
}

/** The model's table, made where it has none. */
export async function neighboursOf(path: string, vocabSize: number) {
  const known = readNeighbours(path, vocabSize);
  if (known) return known;
  await writeNeighbours(path, { threads: availableParallelism() });
  return readNeighbours(path, vocabSize)!;
}

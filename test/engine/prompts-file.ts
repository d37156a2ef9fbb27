/** Files of prompt tokens, as models/recipe writes them, for the small checkpoint. */
import { join } from 'node:path';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { writeSafetensors } from '../../gpu-backend/builder/safetensors-writer.ts';
import { asBytes } from '../../gpu-backend/builder/tensor-reader.ts';
import { randomIntegers } from './driver.ts';
import { SMALL } from './models.ts';
import { SMALL_HIDDEN } from './trained-file.ts';

let files = 0;

/** Embeddings like those of tokens. */
export function promptValues(places: number): Float32Array {
  const random = randomIntegers(11);
  return Float32Array.from({ length: places * SMALL_HIDDEN }, () => random(2001) / 1000 - 1);
}

/** `notes` on top of whose they are; `shape` as if the values had it. */
export function promptsFile(
  folder: string,
  values: Float32Array,
  notes: Record<string, string> = {},
  name = 'prompts',
  shape: readonly number[] = [values.length / SMALL_HIDDEN, SMALL_HIDDEN],
): string {
  const file = join(folder, `prompts-${files++}.safetensors`);
  const { name: target, fingerprints } = readModelFolder(SMALL).manifest;
  const tensor = {
    name,
    shape,
    type: 'F32',
    bytes: 4 * values.length,
    file: '',
    offset: 0,
  } as const;
  const all = { kind: 'ppd', target, weights: fingerprints.weights, ...notes };
  writeSafetensors(file, [tensor], 'F32', () => [asBytes(values)], all);
  return file;
}

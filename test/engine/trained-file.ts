/** Files of what drafts, as models/recipe writes them. */
import { join } from 'node:path';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { readSafetensorsIndex } from '../../gpu-backend/builder/safetensors.ts';
import { writeSafetensors } from '../../gpu-backend/builder/safetensors-writer.ts';
import type { StoredTensor } from '../../gpu-backend/builder/stored-tensor.ts';
import { asBytes, readAs } from '../../gpu-backend/builder/tensor-reader.ts';
import { randomIntegers } from './driver.ts';
import { SMALL } from './models.ts';

export const SMALL_HIDDEN = 32;
/** Tokens that a trained layer can name: some of the vocabulary of 96, rising and with gaps. */
export const NAMED = Array.from({ length: 96 }, (_, token) => token).filter(
  (token) => token % 5 > 1,
);
const LAST_LAYER = /^model\.(layers\.1\.)?/;

let files = 0;

/** The tensors that a feature drafter has beside a layer's, with numbers like those of a trained one. */
export function fusionTensors(): Record<string, Float32Array> {
  const random = randomIntegers(3);
  const draw = (count: number, middle: number, spread: number) =>
    Float32Array.from({ length: count }, () => middle + spread * (random(2001) / 1000 - 1));
  return {
    'fusion.weight': draw(SMALL_HIDDEN * 2 * SMALL_HIDDEN, 0, 0.2),
    'embedding_norm.weight': draw(SMALL_HIDDEN, 1, 0.3),
  };
}

/** The small checkpoint's last layer and norm, and `more`, as a layer that was trained; `notes` on top of whose it is. */
export function trainedFile(
  folder: string,
  notes: Record<string, string>,
  more: Record<string, Float32Array> = {},
): string {
  const file = join(folder, `trained-${files++}.safetensors`);
  const layer = [...readSafetensorsIndex(SMALL).values()]
    .filter(({ name }) => name === 'model.norm.weight' || name.startsWith('model.layers.1.'))
    .map((tensor) => ({ ...tensor, name: tensor.name.replace(LAST_LAYER, '') }));
  const added = Object.entries(more).map(
    ([name, { length }]): StoredTensor => ({
      name,
      shape: length === SMALL_HIDDEN ? [length] : [SMALL_HIDDEN, length / SMALL_HIDDEN],
      type: 'F32',
      bytes: 4 * length,
      file: '',
      offset: 0,
    }),
  );
  const { name: target, fingerprints } = readModelFolder(SMALL).manifest;
  const read = (tensor: StoredTensor) => {
    const own = more[tensor.name];
    return own ? [asBytes(own)] : readAs(tensor, 'float32');
  };
  const all = { target, weights: fingerprints.weights, ...notes };
  writeSafetensors(file, [...layer, ...added], 'F32', read, all);
  return file;
}

/** The names of blocks that `checkpoint` drafts without, and whose they are, with `notes` on top. */
export function skipFile(
  folder: string,
  checkpoint: string,
  notes: Record<string, string>,
): string {
  const file = join(folder, `skip-${files++}.safetensors`);
  const { name: target, fingerprints } = readModelFolder(checkpoint).manifest;
  const all = { kind: 'swift', target, weights: fingerprints.weights, ...notes };
  writeSafetensors(file, [], 'F32', () => [], all);
  return file;
}

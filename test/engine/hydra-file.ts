/** Files of Hydra's heads, as models/recipe writes them, with random numbers. */
import { join } from 'node:path';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { writeSafetensors } from '../../gpu-backend/builder/safetensors-writer.ts';
import type { StoredTensor } from '../../gpu-backend/builder/stored-tensor.ts';
import { asBytes } from '../../gpu-backend/builder/tensor-reader.ts';
import { randomIntegers } from './driver.ts';

export type Tensors = Record<string, { shape: number[]; values: Float32Array }>;

let files = 0;

/** Of heads over states of `hidden` numbers. */
export function hydraTensors(hidden: number, places: number): Tensors {
  const random = randomIntegers(11);
  const drawn = (shape: number[], middle: number, spread: number) => ({
    shape,
    values: Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => middle + spread * (random(2001) / 1000 - 1),
    ),
  });
  const tensors: Tensors = { 'norm.weight': drawn([hidden], 1, 0.3) };
  for (let place = 1; place <= places; place++) {
    tensors[`heads.${place}.weight`] = drawn([hidden, (1 + place) * hidden], 0, 2 / hidden ** 0.5);
    tensors[`heads.${place}.bias`] = drawn([hidden], 0, 0.5);
  }
  return tensors;
}

/** A file with `tensors` for the model in `folder`; `notes` on top of whose it is. */
export function hydraFile(
  into: string,
  folder: string,
  notes: Record<string, string>,
  tensors: Tensors,
): string {
  const file = join(into, `hydra-${files++}.safetensors`);
  const { name: target, fingerprints } = readModelFolder(folder).manifest;
  const stored = Object.entries(tensors).map(
    ([name, { shape, values }]): StoredTensor => ({
      name,
      shape,
      type: 'F32',
      bytes: values.byteLength,
      file: '',
      offset: 0,
    }),
  );
  const all = { kind: 'hydra', target, weights: fingerprints.weights, ...notes };
  writeSafetensors(file, stored, 'F32', ({ name }) => [asBytes(tensors[name]!.values)], all);
  return file;
}

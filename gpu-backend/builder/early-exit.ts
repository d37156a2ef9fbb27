/**
 * A model's first layers and one that was trained to follow them (Kangaroo, 2404.18911;
 * `models/recipe/early_exit.py`): both together write much as all layers do, for a
 * fraction of the work.
 */
import { layersOf } from './decoder-options.ts';
import type { PreparedModel } from './prepare.ts';
import { type ModelPart, trainedLayer } from './trained-layer.ts';

/** Throws an Error that names what of `file` does not fit the model. */
export function earlyExit(prepared: PreparedModel, file: string): ModelPart {
  const { layers } = prepared.model.config;
  const { metadata, layout, vocabulary } = trainedLayer(prepared, file);
  const exit = Number(metadata.exit);
  if (!(Number.isInteger(exit) && exit >= 1 && exit < layers)) {
    throw new Error(`${file}: exit must be 1 to ${layers - 1}, not ${metadata.exit}`);
  }
  const blocks = [...layersOf(0, exit), ...layersOf(layers, layers + 1)];
  return { layout, vocabulary, blocks, features: false };
}

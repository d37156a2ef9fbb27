/**
 * A layer that was trained to continue the target's last hidden states (EAGLE,
 * 2401.15077; `models/recipe/feature.py`). Row t reads the embedding of token t and the
 * state behind token t − 1, the target's own or, of a drafted token, the layer's; it
 * gives the state behind token t, from which the model's head says what comes next.
 */
import { layersOf } from './decoder-options.ts';
import type { PreparedModel } from './prepare.ts';
import { type ModelPart, trainedLayer } from './trained-layer.ts';

/** Throws an Error that names what of `file` does not fit the model. */
export function featureDrafter(prepared: PreparedModel, file: string): ModelPart {
  const { layers } = prepared.model.config;
  const { layout, vocabulary } = trainedLayer(prepared, file);
  return { layout, vocabulary, blocks: layersOf(layers, layers + 1), features: true };
}

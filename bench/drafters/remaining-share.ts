/** What a pass without some of the target's blocks takes on the simulated machine. */
import { type DecoderBlock, layersOf } from '../../gpu-backend/builder/decoder-options.ts';
import type { PreparedModel } from '../../gpu-backend/builder/prepare.ts';
import { skippedBlocks } from '../../gpu-backend/builder/skipped-blocks.ts';

/**
 * Of the weights of all blocks the share of those that remain. The head is not counted,
 * as in models/recipe/skip_layers.py, which favours the draft: a pass needs all of it, and
 * it is 7 % of what a model of Llama 3.1 8B's shape multiplies.
 */
export function remainingShare(prepared: PreparedModel, file: string): number {
  const { hiddenSize, intermediateSize, headDim, heads, kvHeads, layers } = prepared.model.config;
  const weights: Record<DecoderBlock['kind'], number> = {
    attention: 2 * hiddenSize * headDim * (heads + kvHeads),
    mlp: 3 * hiddenSize * intermediateSize,
  };
  const sum = (blocks: readonly DecoderBlock[]) =>
    blocks.reduce((all, { kind }) => all + weights[kind], 0);
  return sum(skippedBlocks(prepared, file).blocks) / sum(layersOf(0, layers));
}

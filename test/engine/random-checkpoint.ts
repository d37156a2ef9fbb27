/** Checkpoints of any shape with random weights: what is tested on them is arithmetic, not language. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { writeSafetensors } from '../../gpu-backend/builder/safetensors-writer.ts';
import type { StoredTensor } from '../../gpu-backend/builder/stored-tensor.ts';
import { randomIntegers } from './driver.ts';

export interface CheckpointShape {
  architecture: 'LlamaForCausalLM' | 'MistralForCausalLM' | 'Qwen2ForCausalLM' | 'Qwen3ForCausalLM';
  heads: number;
  kvHeads: number;
  headDim: number;
  maxPositions: number;
}

interface CheckpointSize {
  hidden: number;
  intermediate: number;
  vocabulary: number;
  layers: number;
  /** Whether the head is the embedding. */
  tied: boolean;
}

const SMALL: CheckpointSize = {
  hidden: 64,
  intermediate: 96,
  vocabulary: 96,
  layers: 2,
  tied: false,
};

/** Writes the checkpoint into `folder` and returns it. */
export function randomCheckpoint(folder: string, shape: CheckpointShape, size = SMALL): string {
  const { architecture, heads, kvHeads, headDim, maxPositions } = shape;
  mkdirSync(folder, { recursive: true });
  const config = {
    architectures: [architecture],
    hidden_act: 'silu',
    hidden_size: size.hidden,
    intermediate_size: size.intermediate,
    num_hidden_layers: size.layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    vocab_size: size.vocabulary,
    max_position_embeddings: maxPositions,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: size.tied,
    sliding_window: null,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const tensors = tensorsOf(shape, size).map(
    ([name, dimensions]): StoredTensor => ({
      name,
      shape: dimensions,
      type: 'F32',
      bytes: 4 * dimensions.reduce((product, size) => product * size, 1),
      file: '',
      offset: 0,
    }),
  );
  const random = randomIntegers(7);
  writeSafetensors(join(folder, 'model.safetensors'), tensors, 'F32', function* ({ bytes, shape }) {
    // Norms near 1; matrices with a spread that keeps sums of a row near 1.
    const [middle, spread] = shape.length === 1 ? [1, 0.2] : [0, Math.sqrt(3 / shape[1]!)];
    const values = Float32Array.from(
      { length: bytes / 4 },
      () => middle + spread * (random(2001) / 1000 - 1),
    );
    yield new Uint8Array(values.buffer);
  });
  return folder;
}

function tensorsOf(
  { architecture, heads, kvHeads, headDim }: CheckpointShape,
  { hidden, intermediate, vocabulary, layers, tied }: CheckpointSize,
) {
  const tensors: [string, number[]][] = [
    ['model.embed_tokens.weight', [vocabulary, hidden]],
    ['model.norm.weight', [hidden]],
  ];
  if (!tied) tensors.push(['lm_head.weight', [vocabulary, hidden]]);
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}`;
    const projections: Record<string, number> = { q: heads, k: kvHeads, v: kvHeads };
    for (const [letter, count] of Object.entries(projections)) {
      const name = `${at}.self_attn.${letter}_proj`;
      tensors.push([`${name}.weight`, [count * headDim, hidden]]);
      if (architecture === 'Qwen2ForCausalLM') tensors.push([`${name}.bias`, [count * headDim]]);
    }
    if (architecture === 'Qwen3ForCausalLM') {
      for (const letter of 'qk') tensors.push([`${at}.self_attn.${letter}_norm.weight`, [headDim]]);
    }
    tensors.push(
      [`${at}.self_attn.o_proj.weight`, [hidden, heads * headDim]],
      [`${at}.input_layernorm.weight`, [hidden]],
      [`${at}.post_attention_layernorm.weight`, [hidden]],
      [`${at}.mlp.gate_proj.weight`, [intermediate, hidden]],
      [`${at}.mlp.up_proj.weight`, [intermediate, hidden]],
      [`${at}.mlp.down_proj.weight`, [hidden, intermediate]],
    );
  }
  return tensors;
}

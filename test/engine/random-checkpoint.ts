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

const HIDDEN = 64;
const INTERMEDIATE = 96;
const VOCABULARY = 96;
const LAYERS = 2;

/** Writes the checkpoint into `folder` and returns it. */
export function randomCheckpoint(folder: string, shape: CheckpointShape): string {
  const { architecture, heads, kvHeads, headDim, maxPositions } = shape;
  mkdirSync(folder, { recursive: true });
  const config = {
    architectures: [architecture],
    hidden_act: 'silu',
    hidden_size: HIDDEN,
    intermediate_size: INTERMEDIATE,
    num_hidden_layers: LAYERS,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    vocab_size: VOCABULARY,
    max_position_embeddings: maxPositions,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: false,
    sliding_window: null,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const tensors = tensorsOf(shape).map(
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

function tensorsOf({ architecture, heads, kvHeads, headDim }: CheckpointShape) {
  const tensors: [string, number[]][] = [
    ['model.embed_tokens.weight', [VOCABULARY, HIDDEN]],
    ['model.norm.weight', [HIDDEN]],
    ['lm_head.weight', [VOCABULARY, HIDDEN]],
  ];
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = `model.layers.${layer}`;
    const projections: Record<string, number> = { q: heads, k: kvHeads, v: kvHeads };
    for (const [letter, count] of Object.entries(projections)) {
      const name = `${at}.self_attn.${letter}_proj`;
      tensors.push([`${name}.weight`, [count * headDim, HIDDEN]]);
      if (architecture === 'Qwen2ForCausalLM') tensors.push([`${name}.bias`, [count * headDim]]);
    }
    if (architecture === 'Qwen3ForCausalLM') {
      for (const letter of 'qk') tensors.push([`${at}.self_attn.${letter}_norm.weight`, [headDim]]);
    }
    tensors.push(
      [`${at}.self_attn.o_proj.weight`, [HIDDEN, heads * headDim]],
      [`${at}.input_layernorm.weight`, [HIDDEN]],
      [`${at}.post_attention_layernorm.weight`, [HIDDEN]],
      [`${at}.mlp.gate_proj.weight`, [INTERMEDIATE, HIDDEN]],
      [`${at}.mlp.up_proj.weight`, [INTERMEDIATE, HIDDEN]],
      [`${at}.mlp.down_proj.weight`, [HIDDEN, INTERMEDIATE]],
    );
  }
  return tensors;
}

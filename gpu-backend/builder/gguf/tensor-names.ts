/** llama.cpp's names of tensors and the checkpoint's own. */
import { UnsupportedModelError } from '../unsupported.ts';

const MODEL_NAMES: Record<string, string> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
};

const LAYER_NAMES: Record<string, string> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** Divisors of the rotary frequencies; the configuration takes them over. */
export const ROPE_DIVISORS = 'rope_freqs.weight';

/**
 * "blk.3.attn_q.weight" → "model.layers.3.self_attn.q_proj.weight". Throws
 * UnsupportedModelError for a tensor that no supported architecture has: a
 * decoder without it would compute something else.
 */
export function checkpointName(name: string): string {
  const [, layer, part = '', kind = ''] =
    /^(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const names = layer === undefined ? MODEL_NAMES : LAYER_NAMES;
  if (!Object.hasOwn(names, part)) {
    const known = [...Object.keys(MODEL_NAMES), ...Object.keys(LAYER_NAMES)];
    throw new UnsupportedModelError(`tensor "${name}"`, known.join(', '));
  }
  const prefix = layer === undefined ? '' : `model.layers.${layer}.`;
  return `${prefix}${names[part]}.${kind}`;
}

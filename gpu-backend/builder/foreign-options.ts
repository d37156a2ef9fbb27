/**
 * Options of config.json by which other families compute otherwise. The supported
 * families ignore them in transformers; a checkpoint that sets one was meant for a
 * family that does not.
 */
import { UnsupportedModelError } from './unsupported.ts';

/** By option, the values that change nothing, besides null and false. */
const NEUTRAL: Record<string, readonly unknown[]> = {
  // Granite, MiniCPM, Cohere
  attention_multiplier: [],
  embedding_multiplier: [1],
  residual_multiplier: [1],
  logits_scaling: [1],
  logit_scale: [1],
  scale_emb: [1],
  scale_depth: [],
  dim_model_base: [],
  // Gemma
  hidden_activation: ['silu'],
  query_pre_attn_scalar: [],
  attn_logit_softcapping: [0],
  final_logit_softcapping: [0],
  // Mixtures of experts
  num_experts: [0],
  num_local_experts: [0, 1],
  n_routed_experts: [0],
  // Llama 4, SmolLM3, DeepSeek, OLMo, Qwen's vision models and others
  attention_chunk_size: [],
  attn_temperature_tuning: [],
  attention_sink: [],
  no_rope_layers: [],
  kv_lora_rank: [],
  clip_qkv: [],
  use_qk_norm: [],
  qk_layernorm: [],
  use_mrope: [],
  alibi: [],
  is_causal: [true],
};

/** Throws UnsupportedModelError for the first that changes what is computed. */
export function refuseForeignOptions(config: Readonly<Record<string, unknown>>): void {
  for (const [name, neutral] of Object.entries(NEUTRAL)) {
    const value = config[name];
    if (value == null || neutral.includes(value)) continue;
    // An encoder says so by false; anything else is off then.
    if (value === false && name !== 'is_causal') continue;
    throw new UnsupportedModelError(
      `${name} ${JSON.stringify(value)}`,
      ['config.json without it', ...neutral].join(', '),
    );
  }
  const { quantization_config: quantized } = config;
  if (quantized == null) return;
  const { quant_method: method } = quantized as { quant_method?: unknown };
  throw new UnsupportedModelError(
    `weights quantised as "${method ?? 'unknown'}" (quantization_config)`,
    'float32, float16 and bfloat16 in safetensors, and GGUF files',
  );
}

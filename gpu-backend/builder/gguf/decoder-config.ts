/** config.json of a GGUF file's architecture. */
import type { StoredTensor } from '../stored-tensor.ts';
import { UnsupportedModelError } from '../unsupported.ts';
import { architectureOf } from './architectures.ts';
import { GgufError } from './gguf-error.ts';
import type { Metadata } from './metadata.ts';

/** What changes the computation, and the values that do not. */
const NEUTRAL: Record<string, readonly (number | boolean)[]> = {
  expert_count: [0],
  logit_scale: [0, 1],
  embedding_scale: [0, 1],
  residual_scale: [0, 1],
  'attention.scale': [0],
  'attention.causal': [true],
  'attention.clamp_kqv': [0],
  attn_logit_softcapping: [0],
  final_logit_softcapping: [0],
  'rope.scaling.attn_factor': [1],
};

/** What the configuration is made of, or changes nothing; any other key may change what is computed. */
const KNOWN = new Set([
  ...Object.keys(NEUTRAL),
  'block_count',
  'context_length',
  'embedding_length',
  'feed_forward_length',
  'attention.head_count',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.value_length',
  'attention.layer_norm_rms_epsilon',
  'attention.sliding_window',
  'rope.dimension_count',
  'rope.freq_base',
  'rope.scaling.type',
  'rope.scaling.factor',
  'rope.scale_linear',
  // Of these architectures nothing else is told by them.
  'vocab_size',
  'expert_used_count',
  'tensor_data_layout',
  'attention.layer_norm_epsilon',
  'rope.scaling.original_context_length',
  'rope.scaling.finetuned',
]);

/**
 * `tensors` by the checkpoint's names; `ropeDivisors`, what the frequencies are
 * divided by, one a pair of dimensions. Throws UnsupportedModelError for what
 * the decoder does not compute.
 */
export function decoderConfig(
  metadata: Metadata,
  tensors: ReadonlyMap<string, StoredTensor>,
  ropeDivisors: readonly number[] | undefined,
): Record<string, unknown> {
  const { className, modelType } = architectureOf(metadata.architecture);
  const number = (key: string) => metadata.number(metadata.ofArchitecture(key));
  const optional = (key: string) => metadata.optionalNumber(metadata.ofArchitecture(key));
  refuseExtras(metadata);
  const embedding = tensors.get('model.embed_tokens.weight');
  if (!embedding) throw new GgufError('has no token_embd.weight');
  refuseOtherSizes(metadata, tensors, embedding.shape[0]!);
  const heads = metadata.layerCount('attention.head_count');
  const headDim = metadata.headDim();
  const context = number('context_length');
  refuseUnless('value_length', optional('attention.value_length') ?? headDim, headDim);
  refuseUnless('rope.dimension_count', optional('rope.dimension_count') ?? headDim, headDim);
  const window = optional('attention.sliding_window') ?? 0;
  if (window > 0 && window < context) {
    throw new UnsupportedModelError(
      `sliding-window attention over ${window} of ${context} positions`,
      'attention over the whole context',
    );
  }
  const scaling = ropeScaling(metadata, ropeDivisors);
  refuseUnknown(metadata);
  return {
    architectures: [className],
    model_type: modelType,
    hidden_act: 'silu',
    vocab_size: embedding.shape[0],
    hidden_size: number('embedding_length'),
    intermediate_size: metadata.layerCount('feed_forward_length'),
    num_hidden_layers: number('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: metadata.optionalLayerCount('attention.head_count_kv') ?? heads,
    head_dim: headDim,
    max_position_embeddings: context,
    rms_norm_eps: number('attention.layer_norm_rms_epsilon'),
    tie_word_embeddings: !tensors.has('lm_head.weight'),
    attention_bias: hasBias(tensors, 'self_attn'),
    mlp_bias: hasBias(tensors, 'mlp'),
    rope_parameters: {
      rope_theta: optional('rope.freq_base') ?? 10_000,
      ...scaling,
    },
  };
}

function hasBias(tensors: ReadonlyMap<string, StoredTensor>, part: string): boolean {
  return [...tensors.keys()].some((name) => name.endsWith('.bias') && name.includes(`.${part}.`));
}

function refuseExtras(metadata: Metadata): void {
  for (const [name, neutral] of Object.entries(NEUTRAL)) {
    const key = metadata.ofArchitecture(name);
    const value = metadata.scalar(key);
    if (value !== undefined && !neutral.includes(value as number | boolean)) {
      throw new UnsupportedModelError(`${key} = ${value}`, neutral.join(', '));
    }
  }
}

/** What is 0 or false is switched off. */
function refuseUnknown(metadata: Metadata): void {
  for (const [name, value] of metadata.ownOfArchitecture()) {
    if (KNOWN.has(name) || [value].flat().every((one) => !one)) continue;
    const key = metadata.ofArchitecture(name);
    throw new UnsupportedModelError(`${key} = ${value}`, [...KNOWN].join(', '));
  }
}

/** As llama.cpp has it: an embedding a token, and no layer more than are counted. */
function refuseOtherSizes(
  metadata: Metadata,
  tensors: ReadonlyMap<string, StoredTensor>,
  embeddings: number,
): void {
  const tokens = metadata.optionalTexts('tokenizer.ggml.tokens')?.length ?? embeddings;
  if (tokens !== embeddings) {
    throw new GgufError(`has ${tokens} tokens but ${embeddings} rows in token_embd.weight`);
  }
  const layers = metadata.number(metadata.ofArchitecture('block_count'));
  for (const name of tensors.keys()) {
    const layer = Number(/^model\.layers\.(\d+)\./.exec(name)?.[1] ?? -1);
    if (layer >= layers) throw new GgufError(`has tensors of layer ${layer}, but ${layers} layers`);
  }
}

function refuseUnless(what: string, value: number, supported: number): void {
  if (value === supported) return;
  throw new UnsupportedModelError(`${what} ${value}`, `that of the head, ${supported}`);
}

function ropeScaling(metadata: Metadata, divisors: readonly number[] | undefined): object {
  const key = (name: string) => metadata.ofArchitecture(`rope.scaling.${name}`);
  // Before it had a type, linear scaling had a key of its own.
  const factor =
    metadata.optionalNumber(key('factor')) ||
    metadata.optionalNumber(metadata.ofArchitecture('rope.scale_linear')) ||
    1;
  const type = metadata.optionalText(key('type')) ?? (factor === 1 ? 'none' : 'linear');
  if (type !== 'none' && type !== 'linear') {
    throw new UnsupportedModelError(`rope scaling "${type}"`, 'none, linear, rope_freqs');
  }
  const scaled = type === 'linear' && factor !== 1;
  if (scaled && divisors) {
    throw new UnsupportedModelError('linear rope scaling with rope_freqs', 'one of the two');
  }
  if (scaled) return { rope_type: 'linear', factor };
  const pairs = metadata.headDim() / 2;
  if (divisors && divisors.length !== pairs) {
    throw new GgufError(`rotates ${pairs} pairs of dimensions but has ${divisors.length} divisors`);
  }
  return divisors ? { rope_type: 'divisors', divisors } : { rope_type: 'default' };
}

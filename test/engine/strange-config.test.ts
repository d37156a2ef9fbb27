/** What config.json may say that would be computed wrongly without a word, and is refused by name. */
import { describe, expect, it } from 'vitest';
import { parseDecoderConfig } from '../../gpu-backend/builder/config.ts';

const LLAMA = {
  architectures: ['LlamaForCausalLM'],
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  max_position_embeddings: 512,
};
const LLAMA3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 128,
};
const QWEN3 = { architectures: ['Qwen3ForCausalLM'] };
const parse = (change: object) => parseDecoderConfig({ ...LLAMA, ...change });

describe('rope', () => {
  it.each<[string, object, RegExp]>([
    ['a base of 0', { rope_theta: 0 }, /rope_theta must be a number above 0, not 0/],
    ['a base that is text', { rope_theta: 'abc' }, /rope_theta must be .* not abc/],
    ['a factor without a type', { rope_scaling: { factor: 4 } }, /by 4 but names no rope_type/],
    [
      'options in both forms',
      { rope_parameters: { rope_theta: 1e4 }, rope_scaling: { type: 'linear', factor: 4 } },
      /rope_scaling beside rope_parameters is not supported/,
    ],
    [
      'options by the kind of layer',
      { ...QWEN3, rope_parameters: { full_attention: { rope_theta: 1e6 } } },
      /rope option "full_attention" is not supported; supported: rope_type/,
    ],
    [
      'sections',
      { rope_scaling: { type: 'default', mrope_section: [2, 3, 3] } },
      /"mrope_section"/,
    ],
    ['no object', { rope_scaling: 'linear' }, /must be an object, not linear/],
    [
      'bounds that meet',
      { rope_scaling: { ...LLAMA3, high_freq_factor: 1 } },
      /low_freq_factor 1 must be below high_freq_factor/,
    ],
  ])('with %s is refused', (_, change, message) => {
    expect(() => parse(change)).toThrow(message);
  });

  it('may have its options named twice, if they are the same', () => {
    const { rope } = parse({ rope_parameters: LLAMA3, rope_scaling: LLAMA3, rope_theta: 5e5 });
    expect(rope).toMatchObject({ theta: 5e5, scaling: { type: 'llama3', factor: 8 } });
  });
});

it('may say behind which layers a draft was trained to end too', () => {
  expect(parse({ num_hidden_layers: 4, draft_exits: [1, 3] }).exits).toEqual([1, 3]);
  expect(parse({}).exits).toEqual([]);
});

describe('layers', () => {
  it.each<[string, object, RegExp]>([
    ['whose exit is the last', { draft_exits: [2] }, /draft_exits must be .* 1 to 1, not \[2\]/],
    ['with an exit before them', { draft_exits: [0] }, /draft_exits must be .* not \[0\]/],
    ['with an exit twice', { draft_exits: [1, 1] }, /draft_exits must be rising numbers/],
    ['with exits as text', { draft_exits: '1' }, /draft_exits must be .* not "1"/],
    ['of linear attention', { layer_types: ['linear_attention'] }, /layer of linear_attention/],
    [
      'with a window, in a Llama',
      { layer_types: ['sliding_attention', 'full_attention'], sliding_window: 64 },
      /sliding-window attention over 64 of 512/,
    ],
    [
      'with a window that has no length',
      { ...QWEN3, layer_types: ['sliding_attention'], sliding_window: null },
      /sliding_window must be a positive integer, not null/,
    ],
    [
      'with a window that is text',
      { architectures: ['MistralForCausalLM'], sliding_window: 'long' },
      /sliding_window must be a positive integer, not long/,
    ],
  ])('%s are refused', (_, change, message) => {
    expect(() => parse(change)).toThrow(message);
  });
});

describe('an option of another family', () => {
  it.each<[string, unknown]>([
    ['logits_scaling', 8],
    ['attention_multiplier', 0.1],
    ['residual_multiplier', 0.22],
    ['embedding_multiplier', 12],
    ['logit_scale', 0.0625],
    ['scale_depth', 1.4],
    ['final_logit_softcapping', 30],
    ['attn_logit_softcapping', 50],
    ['query_pre_attn_scalar', 256],
    ['num_experts', 16],
    ['num_local_experts', 8],
    ['attention_chunk_size', 64],
    ['no_rope_layers', [0, 1]],
    ['use_qk_norm', true],
    ['is_causal', false],
    ['hidden_activation', 'gelu'],
  ])('%s is refused by name', (name, value) => {
    expect(() => parse({ [name]: value })).toThrow(
      `${name} ${JSON.stringify(value)} is not supported; supported: config.json without it`,
    );
  });

  it('is taken where its value changes nothing', () => {
    const neutral = {
      logits_scaling: 1,
      attention_multiplier: null,
      num_experts: 0,
      use_mrope: false,
      is_causal: true,
    };
    expect(parse({ ...neutral, pretraining_tp: 4 })).toEqual(parse({}));
  });

  it('is no architecture, and no epsilon', () => {
    expect(() => parse({ architectures: ['toString'] })).toThrow('architecture toString');
    expect(() => parse({ rms_norm_eps: -1 })).toThrow(/rms_norm_eps must be a number from 0 on/);
    expect(() => parse({ rms_norm_eps: '1e-5' })).toThrow(/rms_norm_eps/);
  });

  it('that quantises weights is refused by its method', () => {
    expect(() => parse({ quantization_config: { quant_method: 'gptq' } })).toThrow(
      /weights quantised as "gptq".*GGUF/,
    );
  });
});

/** The architecture in GGUF metadata: what is understood, and what is refused by name. */
import { describe, expect, it } from 'vitest';
import { parseDecoderConfig } from '../../../gpu-backend/builder/config.ts';
import { decoderConfig } from '../../../gpu-backend/builder/gguf/decoder-config.ts';
import type { MetadataValue } from '../../../gpu-backend/builder/gguf/header.ts';
import { Metadata } from '../../../gpu-backend/builder/gguf/metadata.ts';
import { ropeFrequencies } from '../../../gpu-backend/builder/rope.ts';
import type { StoredTensor } from '../../../gpu-backend/builder/stored-tensor.ts';

type Values = Record<string, MetadataValue>;

const LLAMA: Values = {
  'general.architecture': 'llama',
  'llama.block_count': 2,
  'llama.context_length': 512,
  'llama.embedding_length': 64,
  'llama.feed_forward_length': 128,
  'llama.attention.head_count': 4,
  'llama.attention.head_count_kv': 2,
  'llama.attention.layer_norm_rms_epsilon': 1e-5,
  'llama.rope.freq_base': 500_000,
};

function tensor(name: string, ...shape: number[]): [string, StoredTensor] {
  return [name, { name, shape, file: '', type: 'F32', offset: 0, bytes: 0 }];
}
const EMBEDDING = tensor('model.embed_tokens.weight', 100, 64);

function parse(extra: Values = {}, tensors = [EMBEDDING], divisors?: number[]) {
  const metadata = new Metadata(new Map(Object.entries({ ...LLAMA, ...extra })));
  return parseDecoderConfig(decoderConfig(metadata, new Map(tensors), divisors));
}

describe('a GGUF architecture', () => {
  it('is that of the same checkpoint', () => {
    expect(parse()).toEqual({
      architecture: 'LlamaForCausalLM',
      vocabSize: 100,
      hiddenSize: 64,
      intermediateSize: 128,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      headDim: 16,
      normEpsilon: 1e-5,
      rope: { theta: 500_000, scaling: { type: 'default' } },
      maxPositions: 512,
      tiedEmbeddings: true,
      exits: [],
      queryKeyNorm: false,
      biases: { queryKeyValue: false, output: false, mlp: false },
    });
  });

  it('with an output matrix is not tied', () => {
    expect(parse({}, [EMBEDDING, tensor('lm_head.weight', 100, 64)]).tiedEmbeddings).toBe(false);
  });

  it('may give a count for every layer, if it is the same', () => {
    expect(parse({ 'llama.attention.head_count_kv': [2, 2] }).kvHeads).toBe(2);
  });

  it.each<[string, Values, object]>([
    ['named none', { 'llama.rope.scaling.type': 'none' }, { type: 'default' }],
    [
      'linear',
      { 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 4 },
      { type: 'linear', factor: 4 },
    ],
    [
      'linear by its factor alone',
      { 'llama.rope.scaling.factor': 2 },
      { type: 'linear', factor: 2 },
    ],
    ['linear by the key of old', { 'llama.rope.scale_linear': 4 }, { type: 'linear', factor: 4 }],
  ])('has its rope scaling, %s', (_, extra, scaling) => {
    expect(parse(extra).rope.scaling).toEqual(scaling);
  });

  it('has its rope scaling as divisors of every frequency', () => {
    const divisors = [1, 1, 1, 1, 2, 4, 8, 8];
    const { rope, headDim } = parse({}, [EMBEDDING], divisors);
    const plain = ropeFrequencies(parse().rope, headDim);
    expect([...ropeFrequencies(rope, headDim)]).toEqual(divisors.map((by, i) => plain[i]! / by));
  });

  it.each<[string, Values, RegExp]>([
    ['yarn', { 'llama.rope.scaling.type': 'yarn' }, /"yarn" is not supported.*linear/],
    ['experts', { 'llama.expert_count': 8 }, /llama.expert_count = 8 is not supported/],
    ['a scaled attention', { 'llama.attention.scale': 0.5 }, /llama.attention.scale = 0.5/],
    ['an encoder', { 'llama.attention.causal': false }, /llama.attention.causal = false/],
    ['softcapping', { 'llama.final_logit_softcapping': 30 }, /final_logit_softcapping = 30/],
    ['a partial rotation', { 'llama.rope.dimension_count': 8 }, /rope.dimension_count 8/],
    ['values of another size', { 'llama.attention.value_length': 8 }, /value_length 8/],
    ['a window', { 'llama.attention.sliding_window': 128 }, /sliding-window attention over 128/],
    [
      'attention scaled by its rope',
      { 'llama.rope.scaling.attn_factor': 1.2 },
      /rope.scaling.attn_factor = 1.2/,
    ],
    ['sections of a rope', { 'llama.rope.dimension_sections': [4, 4] }, /dimension_sections = 4,4/],
    [
      'a key that is not known',
      { 'llama.attention.temperature_scale': 0.1 },
      /llama.attention.temperature_scale = 0.1 is not supported; supported: .*context_length/,
    ],
    [
      'two scalings',
      { 'llama.rope.scaling.factor': 2 },
      /linear rope scaling with rope_freqs is not supported/,
    ],
  ])('with %s is refused by name', (_, extra, message) => {
    const divisors = _ === 'two scalings' ? Array(8).fill(2) : undefined;
    expect(() => parse(extra, [EMBEDDING], divisors)).toThrow(message);
  });

  it.each<[string, Values, RegExp]>([
    ['no layers named', { 'llama.block_count': 'two' }, /"llama.block_count" another type/],
    ['heads that vary', { 'llama.attention.head_count': [4, 2] }, /varies llama.attention/],
    [
      'heads that do not divide',
      { 'llama.attention.head_count': 3 },
      /heads of 21.3\d+ dimensions/,
    ],
    ['divisors for other heads', {}, /8 pairs.*2 divisors/],
    ['no heads', { 'llama.attention.head_count': [] }, /does not say "llama.attention.head_count"/],
    ['a base that is no number', { 'llama.rope.freq_base': Number.NaN }, /than a finite number/],
    ['a base of 0', { 'llama.rope.freq_base': 0 }, /rope_theta must be a number above 0/],
    [
      'more tokens than embeddings',
      { 'tokenizer.ggml.tokens': Array(101).fill('a') },
      /101 tokens but 100 rows/,
    ],
  ])('with %s is refused as malformed', (_, extra, message) => {
    expect(() => parse(extra, [EMBEDDING], _.startsWith('divisors') ? [1, 2] : undefined)).toThrow(
      message,
    );
  });

  it('with divisors that are no numbers above 0 is refused', () => {
    expect(() => parse({}, [EMBEDDING], Array(8).fill(0))).toThrow(/rope_freqs.*above 0/);
  });

  it('with tensors of more layers than it counts is refused', () => {
    const behind = tensor('model.layers.2.input_layernorm.weight', 64);
    expect(() => parse({}, [EMBEDDING, behind])).toThrow(/tensors of layer 2, but 2 layers/);
  });

  it('may have keys that are switched off, or tell nothing', () => {
    const idle = {
      'llama.use_parallel_residual': false,
      'llama.pooling_type': 0,
      'llama.vocab_size': 100,
      'llama.rope.scaling.original_context_length': 128,
      'llama.rope.scaling.attn_factor': 1,
    };
    expect(parse(idle)).toEqual(parse());
  });

  it('without an embedding table is refused as malformed', () => {
    expect(() => parse({}, [])).toThrow(/has no token_embd.weight/);
  });
});

/** What the builder cannot make faithfully it names, with what it can. */
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addModel, takeModel } from '../../gpu-backend/builder/add-model.ts';
import { parseDecoderConfig } from '../../gpu-backend/builder/config.ts';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { ropeFrequencies } from '../../gpu-backend/builder/rope.ts';
import { readSafetensorsIndex } from '../../gpu-backend/builder/safetensors.ts';
import { UnsupportedModelError } from '../../gpu-backend/builder/unsupported.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { libraryPath } from '../../gpu-backend/ort/library.ts';
import { BUNDLED, SMALL, temporaryFolder } from './models.ts';

const folder = temporaryFolder();
const LLAMA = {
  architectures: ['LlamaForCausalLM'],
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
};

describe('config.json', () => {
  it.each<[string, object, RegExp]>([
    [
      'another architecture',
      { architectures: ['GPT2LMHeadModel'] },
      /GPT2LMHeadModel.*Qwen3ForCausalLM/,
    ],
    ['no architecture', { architectures: undefined }, /none named/],
    ['another activation', { hidden_act: 'gelu' }, /hidden_act "gelu".*silu/],
    [
      "Mistral's sliding window",
      { architectures: ['MistralForCausalLM'], sliding_window: 128 },
      /sliding-window attention over 128/,
    ],
    [
      "Qwen's sliding window, switched on",
      {
        architectures: ['Qwen2ForCausalLM'],
        sliding_window: 128,
        use_sliding_window: true,
        max_window_layers: 1,
      },
      /sliding-window attention over 128/,
    ],
    [
      'a window in some layers',
      {
        architectures: ['Qwen3ForCausalLM'],
        sliding_window: 128,
        layer_types: ['full_attention', 'sliding_attention'],
      },
      /sliding-window attention over 128/,
    ],
    ...['dynamic', 'longrope', 'mrope'].map((rope_type): [string, object, RegExp] => [
      `rope type ${rope_type}`,
      { rope_scaling: { type: rope_type, factor: 4 } },
      new RegExp(`"${rope_type}".*llama3`),
    ]),
    ['another rope scaling', { rope_scaling: { rope_type: 'yarn', factor: 4 } }, /"yarn".*llama3/],
    ['partial rotary embedding', { partial_rotary_factor: 0.5 }, /partial_rotary_factor 0.5/],
  ])('with %s is refused by name', (_, change, message) => {
    const parse = () => parseDecoderConfig({ ...LLAMA, ...change });
    expect(parse).toThrow(UnsupportedModelError);
    expect(parse).toThrow(message);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['no vocabulary', { vocab_size: undefined }, /vocab_size must be a positive integer/],
    ['heads that do not divide', { num_key_value_heads: 3 }, /4 heads a multiple of 3/],
    ['an odd head', { head_dim: 7 }, /head_dim 7 must be even/],
    [
      'a llama3 rope without its factors',
      { rope_scaling: { rope_type: 'llama3' } },
      /needs factor/,
    ],
  ])('with %s is refused as malformed', (_, change, message) => {
    expect(() => parseDecoderConfig({ ...LLAMA, ...change })).toThrow(message);
  });

  it('means the same in the old form and the new', () => {
    const scaling = {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 128,
    };
    const old = parseDecoderConfig({ ...LLAMA, rope_theta: 5e5, rope_scaling: scaling });
    const fresh = parseDecoderConfig({
      ...LLAMA,
      rope_parameters: { ...scaling, rope_theta: 5e5 },
    });
    expect(old).toEqual(fresh);
    expect(old.rope.theta).toBe(5e5);
    expect(old.headDim).toBe(16);
    expect(old.kvHeads).toBe(4);
  });

  it('with a window that its family ignores, that is switched off, or as long as the context, is taken', () => {
    for (const change of [
      { sliding_window: 128 },
      { architectures: ['MistralForCausalLM'], sliding_window: 512 },
      { architectures: ['MistralForCausalLM'], sliding_window: null },
      { architectures: ['Qwen2ForCausalLM'], sliding_window: 128, use_sliding_window: false },
      { architectures: ['Qwen2ForCausalLM'], sliding_window: 128 },
      {
        architectures: ['Qwen2ForCausalLM'],
        sliding_window: 128,
        use_sliding_window: true,
        max_window_layers: 2,
      },
      {
        architectures: ['Qwen3ForCausalLM'],
        sliding_window: 128,
        layer_types: ['full_attention', 'full_attention'],
      },
    ]) {
      expect(parseDecoderConfig({ ...LLAMA, ...change }).maxPositions).toBe(512);
    }
  });
});

describe('rope scaling', () => {
  const rope = { theta: 10_000, scaling: { type: 'default' } } as const;
  const plain = ropeFrequencies(rope, 64);

  it('linear divides every frequency', () => {
    const scaled = ropeFrequencies({ ...rope, scaling: { type: 'linear', factor: 4 } }, 64);
    expect(scaled[10]).toBeCloseTo(plain[10]! / 4, 12);
  });

  it('llama3 leaves short wavelengths, divides long ones, and blends between', () => {
    const scaling = {
      type: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalContext: 8192,
    } as const;
    const scaled = ropeFrequencies({ ...rope, scaling }, 64);
    expect(scaled[0]).toBe(plain[0]);
    expect(scaled[31]).toBeCloseTo(plain[31]! / 8, 12);
    const ratios = [...scaled].map((frequency, i) => frequency / plain[i]!);
    expect(ratios.some((ratio) => ratio > 0.13 && ratio < 0.99)).toBe(true);
    expect([...ratios].sort((a, b) => b - a)).toEqual(ratios);
  });
});

describe.each(['cuda', 'webgpu'] as const)('int8 columns on %s', (provider) => {
  const cacheFolder = join(folder, `int8 ${provider}`);
  const refused =
    /^int8 on (CUDA|WebGPU) is not supported.*--quantize int4, or set ESPALIER_PROVIDER=cpu/;

  it('are refused by an engine before it converts anything', async () => {
    const opened = openEngine(SMALL, { provider, quantization: 'int8', cacheFolder });
    await expect(opened).rejects.toThrow(refused);
    expect(existsSync(cacheFolder)).toBe(false);
  });

  it('are refused by a model that was added so, before it is converted', async () => {
    const own = { cacheFolder, compute: 'float32', quantization: 'int8' } as const;
    const model = await takeModel(SMALL, own);
    const auto = { ...own, quantization: 'auto', provider } as const;
    await expect(addModel(model.path, auto)).rejects.toThrow(refused);
    expect(readdirSync(cacheFolder)).toEqual(['models']);
  });
});

describe('a checkpoint folder', () => {
  function copy(name: string): string {
    const target = join(folder, name);
    cpSync(BUNDLED, target, { recursive: true });
    rmSync(join(target, 'manifest.json'));
    return target;
  }

  it('without a config.json is not one', () => {
    expect(() => readModelFolder(folder)).toThrow(/no config\.json/);
  });

  it('without safetensors says so', () => {
    const target = copy('no-weights');
    rmSync(join(target, 'model.safetensors'));
    expect(() => readModelFolder(target)).toThrow(/neither model\.safetensors nor/);
  });

  it('whose weights are cut short says so', () => {
    const target = copy('cut-short');
    truncateSync(join(target, 'model.safetensors'), 1_000_000);
    expect(() => readSafetensorsIndex(target)).toThrow(/cut short/);
  });

  it('with a tensor of another shape than the configuration asks for names it', async () => {
    const target = copy('wrong-shape');
    const file = join(target, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...config, num_key_value_heads: 1 }));
    await expect(openEngine(target, { cacheFolder: join(folder, 'cache') })).rejects.toThrow(
      /k_proj.* is \[\d+, \d+\], the configuration asks for \[\d+, \d+\]/,
    );
  });

  it('that lacks a tensor names it', async () => {
    const target = join(folder, 'lacking');
    cpSync(SMALL, target, { recursive: true });
    const index = join(target, 'model.safetensors.index.json');
    const shards = JSON.parse(readFileSync(index, 'utf8'));
    const lost = shards.weight_map['model.layers.1.mlp.up_proj.weight'];
    for (const [name, shard] of Object.entries(shards.weight_map)) {
      if (shard === lost) delete shards.weight_map[name];
    }
    writeFileSync(index, JSON.stringify(shards));
    await expect(openEngine(target, { cacheFolder: join(folder, 'cache') })).rejects.toThrow(
      /has no tensor "model\./,
    );
  });

  it('whose shards lie elsewhere is refused', () => {
    const target = join(folder, 'escaping');
    cpSync(SMALL, target, { recursive: true });
    const index = join(target, 'model.safetensors.index.json');
    writeFileSync(index, JSON.stringify({ weight_map: { x: '../../secret.safetensors' } }));
    expect(() => readSafetensorsIndex(target)).toThrow(/must lie beside the index/);
  });
});

describe('a safetensors file', () => {
  function write(name: string, header: unknown, data = 16, claimed?: bigint): string {
    const target = join(folder, name);
    cpSync(SMALL, target, { recursive: true });
    rmSync(join(target, 'model.safetensors.index.json'));
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(claimed ?? BigInt(json.length));
    writeFileSync(
      join(target, 'model.safetensors'),
      Buffer.concat([length, json, Buffer.alloc(data)]),
    );
    return target;
  }

  const entry = { dtype: 'F32', shape: [4], data_offsets: [0, 16] };
  it.each<[string, unknown, RegExp, bigint?]>([
    ['a header longer than the file', { x: entry }, /header claims/, 10_000n],
    ['a header of absurd length', { x: entry }, /header claims/, 2n ** 60n],
    ['an unknown type', { x: { ...entry, dtype: 'I4' } }, /type I4; supported: F32, F16, BF16/],
    ['a shape that does not fill its place', { x: { ...entry, shape: [5] } }, /cut short/],
    ['a negative shape', { x: { ...entry, shape: [-4] } }, /malformed/],
    ['a place beyond the end', { x: { ...entry, data_offsets: [16, 32] } }, /cut short/],
    ['no place', { x: { dtype: 'F32', shape: [4] } }, /malformed/],
  ])('with %s is refused', (name, header, message, claimed) => {
    const target = write(name.replaceAll(' ', '-'), header, 16, claimed);
    expect(() => readSafetensorsIndex(target)).toThrow(message);
  });
});

const CUDA_PROVIDER = join(dirname(libraryPath()), 'libonnxruntime_providers_cuda.so');

it.skipIf(existsSync(CUDA_PROVIDER))('says how to get CUDA where it is missing', async () => {
  const opening = openEngine(SMALL, { provider: 'cuda', cacheFolder: folder });
  await expect(opening).rejects.toThrow(
    /onnxruntime-gpu in ESPALIER_ORT.*ESPALIER_PROVIDER=cpu.*providers_shared/,
  );
});

/** Checkpoints whose files do not hold what config.json describes, are damaged, or change. */
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AddOptions, addModel } from '../../gpu-backend/builder/add-model.ts';
import { readSafetensorsFile } from '../../gpu-backend/builder/safetensors.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { feed } from './driver.ts';
import { temporaryFolder } from './models.ts';
import { randomCheckpoint } from './random-checkpoint.ts';

const folder = temporaryFolder();
const options: AddOptions = { cacheFolder: join(folder, 'cache'), compute: 'float32' };
const SHAPE = {
  architecture: 'LlamaForCausalLM',
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  maxPositions: 256,
} as const;
const QUERIES = 'model.layers.0.self_attn.q_proj.weight';

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
type Header = Record<string, Entry>;

let made = 0;
function checkpoint(): string {
  return randomCheckpoint(join(folder, `checkpoint-${made++}`), SHAPE);
}

function configure(target: string, change: object): void {
  const file = join(target, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...config, ...change }));
}

/** Rewrites the header; the data stays. */
function rewrite(target: string, change: (header: Header) => unknown): void {
  const file = join(target, 'model.safetensors');
  const data = readFileSync(file);
  const end = 8 + Number(data.readBigUInt64LE());
  const header = JSON.parse(data.toString('utf8', 8, end)) as Header;
  const json = Buffer.from(JSON.stringify(change(header) ?? header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(file, Buffer.concat([length, json, data.subarray(end)]));
}

function add(target: string, quantization: AddOptions['quantization'] = 'none') {
  return addModel(target, { ...options, quantization });
}

describe('a checkpoint is refused by name', () => {
  function rename(header: Header, from: string, to: string): void {
    header[to] = header[from]!;
    delete header[from];
  }

  it.each<[string, (target: string) => void, RegExp]>([
    [
      'without its head',
      (target) => rewrite(target, (header) => void delete header['lm_head.weight']),
      /no tensor "lm_head.weight", and tie_word_embeddings is not set/,
    ],
    ...[
      ['a bias that config.json does not name', 'model.layers.0.self_attn.o_proj.bias'],
      ['a scale beside a matrix', `${QUERIES}_scale`],
      ['norms that its family does not have', 'model.layers.0.self_attn.q_norm.weight'],
    ].map(([what, name]): [string, (target: string) => void, RegExp] => [
      `with ${what}`,
      (target) => rewrite(target, (header) => rename(header, 'model.norm.weight', name!)),
      new RegExp(`"${name}" is not supported; supported: those of LlamaForCausalLM`),
    ]),
    [
      'whose tensors overlap',
      (target) =>
        rewrite(target, (header) => {
          const other = header[QUERIES.replace('layers.0', 'layers.1')]!;
          other.data_offsets = header[QUERIES]!.data_offsets;
        }),
      /q_proj.weight" overlaps "model/,
    ],
    [
      'that claims a billion layers',
      (target) => configure(target, { num_hidden_layers: 1e9 }),
      /no tensor "model.layers.2\./,
    ],
    [
      'whose header is no JSON',
      (target) => writeFileSync(join(target, 'model.safetensors'), '\x04\0\0\0\0\0\0\0{bad'),
      /the header of .*model.safetensors is not JSON/,
    ],
    [
      'whose header has an entry of null',
      (target) => rewrite(target, () => ({ x: null })),
      /"x" has type undefined/,
    ],
    [
      'whose file is empty',
      (target) => truncateSync(join(target, 'model.safetensors'), 0),
      /not a safetensors file/,
    ],
    [
      'that lacks a shard',
      (target) => {
        const map = { weight_map: { x: 'model-00002-of-00002.safetensors' } };
        writeFileSync(join(target, 'model.safetensors.index.json'), JSON.stringify(map));
      },
      /lacks model-00002-of-00002.safetensors, which its model.safetensors.index.json names/,
    ],
    [
      'whose index is cut short',
      (target) => writeFileSync(join(target, 'model.safetensors.index.json'), '{"weight'),
      /index.json is not JSON/,
    ],
    [
      'whose config.json is cut short',
      (target) => writeFileSync(join(target, 'config.json'), '{'),
      /config.json is not JSON/,
    ],
    [
      'whose tokenizer_config.json is null',
      (target) => writeFileSync(join(target, 'tokenizer_config.json'), 'null'),
      /tokenizer_config.json is not a JSON object/,
    ],
    [
      'whose tokenizer.json is cut short',
      (target) => writeFileSync(join(target, 'tokenizer.json'), '{"model":'),
      /tokenizer.json is not JSON/,
    ],
    [
      'without a config.json',
      (target) => rmSync(join(target, 'config.json')),
      /no config.json.*or a .gguf file/,
    ],
    [
      'that is a folder with a GGUF file',
      (target) => {
        rmSync(join(target, 'model.safetensors'));
        writeFileSync(join(target, 'tiny-Q4_0.gguf'), '');
      },
      /name the file itself, .*tiny-Q4_0.gguf/,
    ],
  ])('%s', async (_, change, message) => {
    const target = checkpoint();
    change(target);
    await expect(add(target)).rejects.toThrow(message);
    // It is the file that was named that is wrong, not one that was made of it.
    await expect(add(target)).rejects.not.toThrow(/partial/);
  });
});

/** Writes `value` over the first weights of tensors whose names match. */
function poke(target: string, names: RegExp, value: number, count = 1): void {
  const file = join(target, 'model.safetensors');
  const data = readFileSync(file);
  for (const { name, offset } of readSafetensorsFile(file).tensors) {
    if (!names.test(name)) continue;
    for (let i = 0; i < count; i++) data.writeFloatLE(value, offset + 4 * i);
  }
  writeFileSync(file, data);
}

describe('a weight that is no number', () => {
  it.each<[string, number]>([
    ['none', Number.NaN],
    ['int8', Number.POSITIVE_INFINITY],
    ['int4', Number.NaN],
  ])('is refused in %s', async (quantization, value) => {
    const target = checkpoint();
    poke(target, /layers.0.*q_proj/, value);
    await expect(add(target, quantization as 'none')).rejects.toThrow(
      `"${QUERIES}" holds ${value}, which is no weight`,
    );
  });

  it('is refused where float16 has none for it', async () => {
    const target = checkpoint();
    poke(target, /layers.0.*q_proj/, 1e6);
    const adding = addModel(target, { ...options, compute: 'float16', quantization: 'none' });
    await expect(adding).rejects.toThrow(/q_proj.weight" in float16: it holds 1000000.*float32/);
  });
});

it('a model whose activations overflow is not opened', async () => {
  const target = checkpoint();
  poke(target, /(gate|up)_proj/, 1e30, 64);
  const { path } = await add(target);
  const opening = openEngine(path, { cacheFolder: options.cacheFolder, slots: 2, maxContext: 64 });
  await expect(opening).rejects.toThrow(/logits are no finite numbers/);
});

describe('a checkpoint that is changed', () => {
  it('is taken over again with its new config.json', async () => {
    const target = checkpoint();
    const before = await add(target);
    configure(target, { rope_theta: 500_000, max_position_embeddings: 128 });
    const after = await add(target);
    expect(before.config.rope.theta).toBe(10_000);
    expect(after.config.rope.theta).toBe(500_000);
    expect(after.manifest.maxContext).toBe(128);
    expect((await add(target)).manifest).toEqual(after.manifest);
  });

  it('is not computed with weights that were converted for another config.json', async () => {
    const target = checkpoint();
    const logits = async (tied: boolean) => {
      configure(target, { tie_word_embeddings: tied });
      const settings = { cacheFolder: options.cacheFolder, slots: 2, maxContext: 64 };
      const engine = await openEngine(target, { ...settings, quantization: 'int8' });
      const slot = engine.acquire(Int32Array.of(1), 8, 'alone')!;
      const found = await feed(engine, slot, [1, 2, 3]);
      engine.close();
      return [...found];
    };
    const tied = await logits(true);
    expect(await logits(false)).not.toEqual(tied);
  });
});

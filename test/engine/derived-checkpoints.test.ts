/**
 * The same model written in other ways: heads repeated, padded or tied, configs
 * of older transformers. Each must still give the reference's golden logits.
 */
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensorsIndex } from '../../gpu-backend/builder/safetensors.ts';
import { writeSafetensors } from '../../gpu-backend/builder/safetensors-writer.ts';
import type { StoredTensor } from '../../gpu-backend/builder/stored-tensor.ts';
import { checkGolden } from '../../gpu-backend/cli/golden-check.ts';
import { SMALL, temporaryFolder } from './models.ts';

const TIED = join(SMALL, '../llama-biased-tied-f32');
const folder = temporaryFolder();
const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';

interface Matrix {
  shape: readonly number[];
  values: Float32Array;
}
type Config = Record<string, unknown>;
type Change = (tensors: Map<string, Matrix>, config: Config) => void;

function read({ file, offset, bytes, shape }: StoredTensor): Matrix {
  const values = new Float32Array(bytes / 4);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, new Uint8Array(values.buffer), 0, bytes, offset);
  closeSync(descriptor);
  return { shape, values };
}

/** Writes `source` with `change` as a checkpoint of one file. */
function derive(source: string, name: string, change: Change): string {
  const target = join(folder, name);
  mkdirSync(target, { recursive: true });
  const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8')) as Config;
  const tensors = new Map(
    [...readSafetensorsIndex(source)].map(([key, stored]) => [key, read(stored)] as const),
  );
  change(tensors, config);
  cpSync(join(source, 'golden.json'), join(target, 'golden.json'));
  writeFileSync(join(target, 'config.json'), JSON.stringify(config));
  const list = [...tensors].map(
    ([key, { shape, values }]): StoredTensor => ({
      name: key,
      shape: [...shape],
      type: 'F32',
      bytes: values.byteLength,
      file: '',
      offset: 0,
    }),
  );
  writeSafetensors(join(target, 'model.safetensors'), list, 'F32', function* (tensor) {
    const { values } = tensors.get(tensor.name)!;
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  });
  return target;
}

/** Rows of `matrix` in blocks of `size`, block `from[i]` as block i; -1 for a block of noise. */
function pickRows({ shape, values }: Matrix, size: number, from: readonly number[]): Matrix {
  const columns = shape[1] ?? 1;
  const block = size * columns;
  const picked = new Float32Array(from.length * block);
  from.forEach((source, i) => {
    if (source >= 0) picked.set(values.subarray(source * block, (source + 1) * block), i * block);
    else picked.fill(0.3, i * block, (i + 1) * block);
  });
  return { shape: [from.length * size, ...shape.slice(1)], values: picked };
}

/** Columns likewise; zeros for -1. */
function pickColumns({ shape, values }: Matrix, size: number, from: readonly number[]): Matrix {
  const [rows = 0, columns = 0] = shape;
  const width = from.length * size;
  const picked = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    from.forEach((source, i) => {
      if (source < 0) return;
      const at = row * columns + source * size;
      picked.set(values.subarray(at, at + size), row * width + i * size);
    });
  }
  return { shape: [rows, width], values: picked };
}

function rewrite(tensors: Map<string, Matrix>, ends: string, change: (m: Matrix) => Matrix): void {
  for (const [key, matrix] of tensors) if (key.endsWith(ends)) tensors.set(key, change(matrix));
}

const HEAD_DIM = 16;

const FORMS: [string, string, Change][] = [
  [
    'a key head for every query head',
    SMALL,
    (tensors, config) => {
      for (const name of ['k_proj.weight', 'v_proj.weight']) {
        rewrite(tensors, name, (matrix) => pickRows(matrix, HEAD_DIM, [0, 0, 1, 1]));
      }
      config.num_key_value_heads = 4;
    },
  ],
  [
    'as many key heads as query heads, by leaving them out',
    SMALL,
    (tensors, config) => {
      for (const name of ['k_proj.weight', 'v_proj.weight']) {
        rewrite(tensors, name, (matrix) => pickRows(matrix, HEAD_DIM, [0, 0, 1, 1]));
      }
      delete config.num_key_value_heads;
    },
  ],
  [
    'three query heads a key head, heads wider than the hidden size',
    SMALL,
    (tensors, config) => {
      // The third head of each group looks anywhere and says nothing.
      rewrite(tensors, 'q_proj.weight', (m) => pickRows(m, HEAD_DIM, [0, 1, -1, 2, 3, -1]));
      rewrite(tensors, 'o_proj.weight', (m) => pickColumns(m, HEAD_DIM, [0, 1, -1, 2, 3, -1]));
      config.num_attention_heads = 6;
    },
  ],
  [
    'rope and dtype as older transformers wrote them',
    SMALL,
    (_, config) => {
      const { rope_theta, rope_type, ...factors } = config.rope_parameters as Config;
      Object.assign(config, { rope_theta, rope_scaling: { type: rope_type, ...factors } });
      Object.assign(config, { torch_dtype: config.dtype });
      delete config.rope_parameters;
      delete config.dtype;
    },
  ],
  [
    'no rope and no epsilon named: the defaults',
    TIED,
    (_, config) => {
      delete config.rope_parameters;
      expect(config.rms_norm_eps).toBe(1e-6);
      delete config.rms_norm_eps;
      delete config.head_dim;
    },
  ],
  [
    'the head written out',
    TIED,
    (tensors, config) => {
      tensors.set(HEAD, tensors.get(EMBEDDING)!);
      config.tie_word_embeddings = false;
    },
  ],
  [
    'tied, with a head in the file that counts for nothing',
    TIED,
    (tensors) => {
      const { shape, values } = tensors.get(EMBEDDING)!;
      tensors.set(HEAD, { shape, values: values.map((value) => -value) });
    },
  ],
  [
    'a Mistral with a window as long as the context',
    SMALL,
    (_, config) => {
      config.architectures = ['MistralForCausalLM'];
      config.sliding_window = config.max_position_embeddings;
    },
  ],
  [
    'a Llama with a window, which it does not use',
    SMALL,
    (_, config) => {
      config.sliding_window = 8;
    },
  ],
];

describe('a checkpoint with', () => {
  it.each(FORMS)('%s gives the golden logits', async (name, source, change) => {
    const target = derive(source, name.replaceAll(/\W+/g, '-'), change);
    expect(await checkGolden(target, join(folder, 'cache'))).toMatchObject({ passed: true });
  });

  it('something else changed does not: the check can fail', async () => {
    const target = derive(SMALL, 'wrong', (tensors) => {
      rewrite(tensors, 'k_proj.weight', (matrix) => pickRows(matrix, HEAD_DIM, [1, 0]));
    });
    expect(await checkGolden(target, join(folder, 'cache'))).toMatchObject({ passed: false });
  });
});

/** Layers that read the same rows are stored as one matrix, where all are quantised alike. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { WeightLayout } from '../../gpu-backend/builder/convert.ts';
import { quantiseBlocks } from '../../gpu-backend/builder/linear/blocks.ts';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { prepareModel } from '../../gpu-backend/builder/prepare.ts';
import type { Quantization } from '../../gpu-backend/builder/quantization.ts';
import { readRows } from '../../gpu-backend/builder/tensor-reader.ts';
import { readWeightIndex } from '../../gpu-backend/builder/weight-index.ts';
import { goldenCheckpoints, SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const BIASED = goldenCheckpoints().find((folder) => folder.includes('qwen2-bias'))!;
const ATTENTION = 'model.layers.0.self_attn';
const MLP = 'model.layers.0.mlp';

function prepared(folder: string, quantization: Quantization) {
  const model = readModelFolder(folder);
  const cache = join(cacheFolder, quantization);
  return prepareModel(model, cache, { compute: 'float32', quantization });
}

function layoutOf(folder: string, quantization: Quantization): WeightLayout {
  return prepared(folder, quantization).layout;
}

it.each(['int8', 'int4'] as const)('%s: one matrix for q, k and v, one for gate and up', (form) => {
  const { config } = readModelFolder(SMALL);
  const { matrices } = layoutOf(SMALL, form);
  const outputs = (config.heads + 2 * config.kvHeads) * config.headDim;
  expect(matrices[`${ATTENTION}.qkv_proj.weight`]!.shape).toEqual([outputs, config.hiddenSize]);
  expect(matrices[`${MLP}.gate_up_proj.weight`]!.shape[0]).toBe(2 * config.intermediateSize);
  expect(Object.keys(matrices).filter((name) => /\.(q|k|v|gate|up)_proj/.test(name))).toEqual([]);
});

it('biases are joined as their matrices are', () => {
  const { config } = readModelFolder(BIASED);
  const { vectors } = layoutOf(BIASED, 'int8');
  const outputs = (config.heads + 2 * config.kvHeads) * config.headDim;
  expect(vectors[`${ATTENTION}.qkv_proj.bias`]!.shape).toEqual([outputs]);
  expect(vectors).not.toHaveProperty(`${ATTENTION}.q_proj.bias`);
});

it('a model that is not quantised stays in its file', () => {
  const { matrices } = layoutOf(SMALL, 'none');
  expect(matrices).toHaveProperty(`${ATTENTION}.q_proj.weight`);
  expect(matrices).not.toHaveProperty(`${ATTENTION}.qkv_proj.weight`);
});

it.each([
  ['self_attn.qkv_proj', ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj']],
  ['mlp.gate_up_proj', ['mlp.gate_proj', 'mlp.up_proj']],
])('the rows of %s are those of its parts, in the order that the graph splits', (whole, parts) => {
  const { folder, layout } = prepared(SMALL, 'int4');
  const { file, offset, bytes } = layout.matrices[`model.layers.0.${whole}.weight`]!.parts.values!;
  const { hiddenSize } = readModelFolder(SMALL).config;
  const stored = readWeightIndex(SMALL);
  const expected = parts.map((part) => {
    const rows = [...readRows(stored.get(`model.layers.0.${part}.weight`)!)];
    return Buffer.concat(rows.map((each) => quantiseBlocks('blocks4', each, hiddenSize).values));
  });
  const written = readFileSync(join(folder, file)).subarray(offset, offset + bytes);
  expect(written.equals(Buffer.concat(expected))).toBe(true);
});

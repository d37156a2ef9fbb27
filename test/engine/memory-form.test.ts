/** Queries, keys and values of a model that is not quantised are one matrix in memory, as on CUDA, and three in its file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import type { WeightLayout } from '../../gpu-backend/builder/convert.ts';
import { buildDecoder } from '../../gpu-backend/builder/decoder.ts';
import { MemoryForm } from '../../gpu-backend/builder/memory-form.ts';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { prepareModel } from '../../gpu-backend/builder/prepare.ts';
import type { Quantization } from '../../gpu-backend/builder/quantization.ts';
import type { ComputeType } from '../../gpu-backend/builder/tensor-reader.ts';
import { Weights } from '../../gpu-backend/builder/weights.ts';
import { SharedWeights } from '../../gpu-backend/engine/shared-weights.ts';
import { InferenceSession } from '../../gpu-backend/ort/inference-session.ts';
import { goldenCheckpoints, SMALL, temporaryFolder } from './models.ts';
import { randomCheckpoint } from './random-checkpoint.ts';

const cacheFolder = temporaryFolder();
const BIASED = goldenCheckpoints().find((each) => each.includes('qwen2-bias'))!;
const MISTRAL = goldenCheckpoints().find((each) => each.includes('mistral'))!;
/** Heads that can be turned in 4 bits too. */
const SHAPE = {
  architecture: 'LlamaForCausalLM',
  heads: 4,
  headDim: 64,
  maxPositions: 64,
} as const;
const GROUPED = randomCheckpoint(join(cacheFolder, 'grouped'), { ...SHAPE, kvHeads: 2 });
const UNGROUPED = randomCheckpoint(join(cacheFolder, 'ungrouped'), { ...SHAPE, kvHeads: 4 });
const ATTENTION = 'model.layers.0.self_attn';
const PARTS = ['q_proj', 'k_proj', 'v_proj'].map((part) => `${ATTENTION}.${part}`);
const WHOLE = `${ATTENTION}.qkv_proj`;

function prepared(model: string, quantization: Quantization, compute: ComputeType = 'float32') {
  return prepareModel(readModelFolder(model), cacheFolder, { compute, quantization });
}

/** A layout with one of its tensors changed or, with undefined, without it. */
function changed<Kind extends 'matrices' | 'vectors'>(
  layout: WeightLayout,
  kind: Kind,
  name: string,
  tensor?: WeightLayout[Kind][string],
): WeightLayout {
  const { [name]: _, ...rest } = layout[kind];
  return { ...layout, [kind]: tensor ? { ...rest, [name]: tensor } : rest };
}

describe('a form in memory', () => {
  const { layout, model } = prepared(SMALL, 'none');
  const { heads, kvHeads, headDim, hiddenSize } = model.config;
  const outputs = (heads + 2 * kvHeads) * headDim;

  it('has queries, keys and values as one matrix, gate and up as two', () => {
    const { matrices } = new MemoryForm(model.config, layout).layoutOf(layout);
    const { shape, parts } = matrices[`${WHOLE}.weight`]!;
    expect(shape).toEqual([outputs, hiddenSize]);
    expect(parts.values).toMatchObject({ shape, bytes: 4 * outputs * hiddenSize });
    expect(parts.values!.pieces).toEqual(
      PARTS.map((part) => layout.matrices[`${part}.weight`]!.parts.values),
    );
    for (const part of PARTS) expect(matrices).not.toHaveProperty([`${part}.weight`]);
    expect(matrices).toHaveProperty(['model.layers.0.mlp.gate_proj.weight']);
  });

  it('joins biases too', () => {
    const biased = prepared(BIASED, 'none');
    const form = new MemoryForm(biased.model.config, biased.layout);
    const { vectors } = form.layoutOf(biased.layout);
    const pieces = PARTS.map((part) => biased.layout.vectors[`${part}.bias`]!);
    const size = pieces.reduce((sum, { shape }) => sum + shape[0]!, 0);
    expect(vectors[`${WHOLE}.bias`]).toMatchObject({ shape: [size], bytes: 4 * size, pieces });
    for (const part of PARTS) expect(vectors).not.toHaveProperty([`${part}.bias`]);
  });

  it('leaves apart what is no three matrices of values, with three biases or none', () => {
    const quantised = prepared(SMALL, 'int4');
    const { config } = model;
    expect(new MemoryForm(config, quantised.layout).layoutOf(quantised.layout)).toEqual(
      quantised.layout,
    );
    const value = `${PARTS[2]}.weight`;
    const blocks = { ...layout.matrices[value]!, form: 'blocks8' } as const;
    const bias = layout.vectors['model.norm.weight']!;
    for (const other of [
      changed(layout, 'matrices', value),
      changed(layout, 'matrices', value, blocks),
      changed(layout, 'vectors', `${PARTS[0]}.bias`, bias),
    ]) {
      const { matrices } = new MemoryForm(config, other).layoutOf(other);
      expect(matrices).toHaveProperty([`${PARTS[0]}.weight`]);
      expect(matrices).not.toHaveProperty([`${WHOLE}.weight`]);
    }
  });

  it('leaves layers that were added to the model as they lie', () => {
    const own = `${PARTS[0]!.replace('.0.', '.2.')}.weight`;
    const more = changed(layout, 'matrices', own, layout.matrices[`${PARTS[0]}.weight`]!);
    const { matrices } = new MemoryForm(model.config, layout).layoutOf(more);
    expect(matrices).toHaveProperty([own]);
    expect(matrices).toHaveProperty([`${WHOLE}.weight`]);
  });
});

it.each([
  ['whose heads are turned', SMALL, 'float32'],
  ['that stays in the file of its checkpoint', MISTRAL, 'float16'],
  ['with a key head for each query head', UNGROUPED, 'float32'],
] as const)('the rows of a model %s lie behind one another', async (_, path, compute) => {
  const { layout, model, folder } = prepared(path, 'none', compute);
  const form = new MemoryForm(model.config, layout);
  const shared = await SharedWeights.load(
    { layout, model, folder, quantization: 'none' },
    null,
    form,
  );
  const { tensors } = shared.initializers;
  const { address, bytes } = tensors.get(`${WHOLE}.weight.values`)!;
  const [queries, keys, values] = PARTS.map((part) => {
    const { file, offset, bytes } = layout.matrices[`${part}.weight`]!.parts.values!;
    return readFileSync(join(folder, file)).subarray(offset, offset + bytes);
  });
  const { heads } = model.config;
  const head = queries!.length / heads;
  const turned = Array.from({ length: heads }, (_, place) => {
    const at = form.order.headAt(place) * head;
    return queries!.subarray(at, at + head);
  });
  const expected = Buffer.concat([...turned, keys!, values!]);
  expect(Buffer.from(koffi.view(address, bytes)).equals(expected)).toBe(true);
  expect([...tensors.keys()].filter((name) => /\.[qkv]_proj/.test(name))).toEqual([]);
  shared.release();
});

it.each([
  ['turned', GROUPED, 'int4'],
  ['joined', UNGROUPED, 'none'],
] as const)(
  'a graph never reads from a file what is %s in memory',
  async (_, path, quantization) => {
    const { layout, model, folder } = prepared(path, quantization);
    const form = new MemoryForm(model.config, layout);
    const inMemory = form.layoutOf(layout);
    const weights = new Weights(model.config, inMemory, 8, 'fused', form.order);
    const graph = buildDecoder(model.config, weights, { attention: 'fused', lanes: 1 });
    const loading = InferenceSession.load(graph, folder, { threads: 1 });
    await expect(loading).rejects.toThrow(/\.(qkv|o)_proj\./);
  },
);

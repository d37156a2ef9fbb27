/** What of a model decides how many kernels and products a step is. */
import { EMBEDDING, HEAD } from '../../gpu-backend/builder/convert.ts';
import { MemoryForm } from '../../gpu-backend/builder/memory-form.ts';
import type { PreparedModel } from '../../gpu-backend/builder/prepare.ts';

/** Of each layer, but for the last. */
export interface LayerCalls {
  /** Matrices of values, which cuBLAS multiplies with. */
  products: number;
  /** Matrices of 4 bits: a kernel multiplies with them, or unpacks them for cuBLAS in a step of many rows. */
  packed: number;
  /** Matrices that are several of a checkpoint's: what they give is split. */
  splits: number;
  /** Of queries and of keys, or of both at once. */
  rotations: number;
  biases: number;
  /** Norms of queries and of keys. */
  headNorms: number;
  /** Turns between query heads and rows, where weights can't be loaded so that there is nothing to turn. */
  turns: number;
  /** Of the step: the positions of all heads, where they are rotated at once, and a head of 8 bits, which is unpacked. */
  ofStep: number;
}

export function layerCallsOf({ model, layout }: PreparedModel): LayerCalls {
  const { config } = model;
  const form = new MemoryForm(config, layout);
  const { matrices, vectors } = form.layoutOf(layout);
  const first = Object.entries(matrices).filter(([name]) => name.startsWith('model.layers.0.'));
  const count = (wanted: (name: string, form: string) => boolean) =>
    first.filter(([name, matrix]) => wanted(name, matrix.form)).length;
  const joined = count((name) => name.includes('qkv_proj')) > 0 && !config.queryKeyNorm;
  const head = matrices[HEAD] ?? matrices[EMBEDDING]!;
  return {
    products: count((_, form) => form === 'dense'),
    packed: count((_, form) => form === 'blocks4'),
    splits: count((name) => /(qkv|gate_up)_proj/.test(name)),
    rotations: joined ? 1 : 2,
    biases: Object.keys(vectors).filter((name) => /layers\.0\..*\.bias$/.test(name)).length,
    headNorms: config.queryKeyNorm ? 2 : 0,
    turns:
      config.heads > config.kvHeads && !form.order.isTurned('model.layers.0.self_attn') ? 2 : 0,
    ofStep: [joined, head.form === 'blocks8'].filter(Boolean).length,
  };
}

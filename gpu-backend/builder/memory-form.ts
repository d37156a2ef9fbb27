/**
 * How a model's matrices lie in memory where fused attention folds heads: query heads in the
 * order of `HeadOrder`, and queries, keys and values as one matrix where the files have three.
 * One product then does for three and one rotation for two, at the price of a split: on CUDA
 * two launches a layer less. Gate and up stay apart, as a split takes what their product would
 * save.
 */
import type { DecoderConfig } from './config.ts';
import type { WeightLayout } from './convert.ts';
import { HeadOrder } from './head-order.ts';
import { partsOf } from './joined-layers.ts';
import type { Initializer, StoredMatrix } from './linear/stored-matrix.ts';

export class MemoryForm {
  readonly order: HeadOrder;
  /** Wholes, "….self_attn.qkv_proj", whose parts are joined when they are loaded. */
  private readonly joined: readonly string[];

  constructor(config: DecoderConfig, layout: WeightLayout) {
    this.joined = Object.keys(layout.matrices)
      .flatMap((name) => /^(.+\.self_attn\.)q_proj\.weight$/.exec(name)?.[1] ?? [])
      .map((at) => `${at}qkv_proj`)
      .filter((whole) => isJoinable(whole, layout));
    this.order = new HeadOrder(config, this.layoutOf(layout));
  }

  /** `layout` as graphs find it in memory. Layers that were added to the model's own are as they lie. */
  layoutOf(layout: WeightLayout): WeightLayout {
    const matrices = { ...layout.matrices };
    const vectors = { ...layout.vectors };
    for (const whole of this.joined) {
      const weights = take(matrices, partsOf(whole), 'weight');
      const values = rowsOf(weights.map(({ parts }) => parts.values!));
      const shape = [values.shape[0]!, weights[0]!.shape[1]] as const;
      matrices[`${whole}.weight`] = { form: 'dense', shape, parts: { values } };
      const biases = take(vectors, partsOf(whole), 'bias');
      if (biases.length > 0) vectors[`${whole}.bias`] = rowsOf(biases);
    }
    return { ...layout, matrices, vectors };
  }
}

/** Blocks are joined in their file, where they can be. Of biases there are three, or none. */
function isJoinable(whole: string, { matrices, vectors }: WeightLayout): boolean {
  const parts = partsOf(whole);
  const biases = parts.filter((part) => `${part}.bias` in vectors).length;
  const isDense = (matrix?: StoredMatrix) => matrix?.form === 'dense';
  return parts.every((part) => isDense(matrices[`${part}.weight`])) && biases % parts.length === 0;
}

function take<T>(from: Record<string, T>, parts: readonly string[], kind: string): T[] {
  return parts.flatMap((part) => {
    const name = `${part}.${kind}`;
    const taken = from[name];
    delete from[name];
    return taken === undefined ? [] : [taken];
  });
}

/** The rows of all pieces, one after another. */
function rowsOf(pieces: readonly Initializer[]): Initializer {
  const sum = (count: (piece: Initializer) => number) =>
    pieces.reduce((total, piece) => total + count(piece), 0);
  const first = pieces[0]!;
  const shape = [sum((piece) => piece.shape[0]!), ...first.shape.slice(1)];
  return { ...first, shape, bytes: sum(({ bytes }) => bytes), pieces };
}

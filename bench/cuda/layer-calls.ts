/** What of a model decides how many launches a layer takes. */
import { HeadOrder } from '../../gpu-backend/builder/head-order.ts';
import type { PreparedModel } from '../../gpu-backend/builder/prepare.ts';

/** Of each layer. */
export interface LayerCalls {
  biases: number;
  /** Norms of queries and of keys. */
  headNorms: number;
  /** Turns between query heads and rows, where weights can't be loaded so that there is nothing to turn. */
  turns: number;
  /** Matrices of 4 bits, which a step of many rows unpacks first. */
  packed: number;
}

export function layerCallsOf({ model, layout }: PreparedModel): LayerCalls {
  const { config } = model;
  const ofFirst = (name: string) => name.startsWith('model.layers.0.');
  const order = new HeadOrder(config, layout);
  const folds = config.heads > config.kvHeads;
  return {
    biases: Object.keys(layout.vectors).filter((name) => ofFirst(name) && name.endsWith('.bias'))
      .length,
    headNorms: config.queryKeyNorm ? 2 : 0,
    turns: folds && !order.isTurned('model.layers.0.self_attn') ? 2 : 0,
    packed: Object.entries(layout.matrices).filter(
      ([name, { form }]) => ofFirst(name) && form === 'blocks4',
    ).length,
  };
}

/** Which form of the decoder's graph is built. */
import type { AttentionForm } from './attention-kernel.ts';
import type { HeadOrder } from './head-order.ts';

/** Half a layer: its attention or its MLP, each added to the residual stream. */
export interface DecoderBlock {
  kind: 'attention' | 'mlp';
  layer: number;
}

/** The blocks of layers `first` to before `end`, in order. */
export function layersOf(first: number, end: number): DecoderBlock[] {
  return Array.from({ length: end - first }, (_, i): DecoderBlock[] => [
    { kind: 'attention', layer: first + i },
    { kind: 'mlp', layer: first + i },
  ]).flat();
}

export interface DecoderOptions {
  attention: AttentionForm;
  /** Lanes of the graph. */
  lanes: number;
  /** Whether lanes have more than one slot. */
  batchedLanes?: boolean;
  /**
   * Fused attention reads a group of query heads as further rows of its key head.
   * ORT's CUDA kernel would copy each key head once per query head instead.
   */
  foldHeads?: boolean;
  /** With `foldHeads`: which layers' query heads come in a group's order. By default none. */
  headOrder?: HeadOrder | null;
  /** The blocks that are computed, at least one, in the model's order; by default all. The n-th attention among them has the n-th cache. */
  blocks?: readonly DecoderBlock[] | undefined;
  /** Logits of a row: those of the layout's trimmed head; by default of the whole vocabulary. */
  logits?: number | undefined;
  /** Also give the ids of so many of the most likely tokens of those rows. */
  top?: number | undefined;
  /** Also give the largest logit of each of so many blocks of those rows. */
  peaks?: number | undefined;
  /** Rows read the target's hidden states beside their tokens (`fusedInput`); by default not. */
  features?: boolean | undefined;
  /** Embeddings of prompt tokens, whose ids follow the vocabulary's (`promptedInput`); by default there are none. */
  promptTokens?: Float32Array | undefined;
  /** Also give the last hidden state of the rows whose logits are wanted. */
  hiddenOutput?: boolean;
}

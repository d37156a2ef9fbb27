/** Which form of the decoder's graph is built. */
import type { AttentionForm } from './attention-kernel.ts';

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
  /** Also give the last hidden state of the rows whose logits are wanted. */
  hiddenOutput?: boolean;
}

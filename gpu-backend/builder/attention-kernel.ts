/** What attends within one lane; `exact-attention.ts` and `fused-attention.ts` are the two ways. */

/**
 * `exact`: equal bits wherever a row's ancestors lie. `fused`: ONNX's operator, equal to
 * rounding. `grouped`: ONNX Runtime's GroupQueryAttention, which WebGPU has; equal to rounding.
 */
export type AttentionForm = 'exact' | 'fused' | 'grouped';

/** softmax(Q·Kᵀ / √headDim + mask)·V over one lane's caches. */
export interface AttentionKernel {
  /** Once a lane, before any layer of it: what all its layers share. */
  addLane(lane: number): void;
  /**
   * `query` is [B, S, heads · headDim], `keys` and `values` the caches with the
   * new rows written, [B, M, kvHeads · headDim]. Returns [1, B · S, heads · headDim].
   */
  attend(layer: number, lane: number, query: string, keys: string, values: string): string;
}

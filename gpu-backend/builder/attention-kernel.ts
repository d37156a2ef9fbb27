/** What attends within one lane, in three forms: `exact-attention.ts`, `fused-attention.ts`, `grouped-attention.ts`. */

/**
 * `exact`: equal bits wherever a row's ancestors lie. `fused`: ONNX's operator, equal to
 * rounding. `grouped`: ONNX Runtime's GroupQueryAttention, which WebGPU has; equal to rounding.
 */
export type AttentionForm = 'exact' | 'fused' | 'grouped';

/** Queries, keys and values of a lane's new rows: [B, S, width] each, keys rotated. */
export type NewRows = readonly [query: string, keys: string, values: string];

/** softmax(Q·Kᵀ / √headDim + mask)·V over one lane's caches, which the new rows are written into. */
export interface AttentionKernel {
  /** Once a lane, before any layer of it: what all its layers share. */
  addLane(lane: number): void;
  /**
   * Writes the rows into the caches of number `cache` and reads them. Returns [1, B · S, heads · headDim].
   * @param turned whether query heads come, and are to be returned, in the order of `HeadOrder`
   */
  attend(cache: number, lane: number, rows: NewRows, turned: boolean): string;
}

/** Where vectors are looked up: the seam behind which an index of another kind stands. */
export interface Near {
  /** Of the passage. */
  id: number;
  /** Cosine, up to what rounding to int8 costs. */
  similarity: number;
}

export interface VectorIndex {
  /**
   * The passages of these documents that are nearest, best first. Documents
   * that the index doesn't know are looked up; passages without a vector of this
   * embedder are left out. The caller has decided that the documents may be searched.
   */
  nearest(
    embedder: string,
    documentIds: readonly number[],
    query: Float32Array,
    limit: number,
  ): Promise<Near[]>;
}

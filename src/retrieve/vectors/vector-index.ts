/** Where vectors are looked up: the seam behind which an index of another kind stands. */
export interface Near {
  /** Of the passage. */
  id: number;
  /** Cosine, up to what rounding to int8 costs. */
  similarity: number;
}

/** Whose vectors, and of what: all of it is decided on the server. */
export interface Space {
  tenantId: number;
  storeId: string;
  /** Id of the embedder: vectors of different ones are never compared. */
  embedder: string;
}

export interface VectorIndex {
  /**
   * The passages of these documents that are nearest, best first. The caller has
   * decided that the documents may be searched, and that they are the space's.
   */
  nearest(
    space: Space,
    documentIds: readonly number[],
    query: Float32Array,
    limit: number,
  ): Promise<Near[]>;
}

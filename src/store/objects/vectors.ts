/** Where a store's vectors are looked up. */
export interface Near {
  /** Of the passage. */
  id: number;
  /** Cosine, up to what rounding to int8 costs. */
  similarity: number;
}

/** Whose vectors, and of what. The server decides all of it. */
export interface Space {
  tenantId: number;
  storeId: string;
  /** Id of the embedder: vectors of different ones are never compared. */
  embedder: string;
}

/** One object per store: its passages' vectors, in memory. */
export interface StoreVectorsObject {
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

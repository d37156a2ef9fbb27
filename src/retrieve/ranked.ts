/** A passage's place in a ranking. */
export interface Ranked {
  /** Of the passage. */
  id: number;
  /** In (0, 1]: 1 for the best. bm25 has no scale of its own, it moves with what is indexed. */
  score: number;
}

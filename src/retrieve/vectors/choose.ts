import type { Bindings } from '../../bindings.ts';
import type { VectorIndex } from './vector-index.ts';
import { vectorizeIndex } from './vectorize.ts';

/** Vectorize where it is bound, else the exact scan in an object a store. */
export function vectorIndexOf({ VECTORIZE, STORE_VECTORS }: Bindings): VectorIndex {
  if (VECTORIZE) return vectorizeIndex(VECTORIZE);
  return {
    nearest(space, documentIds, query, limit) {
      const object = STORE_VECTORS.get(STORE_VECTORS.idFromName(space.storeId));
      return object.nearest(space, documentIds, query, limit);
    },
  };
}

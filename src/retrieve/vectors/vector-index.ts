/** Where vectors are looked up: the seam behind which an index of another kind stands. */
import type { StoreVectorsObject } from '../../store/objects/vectors.ts';

export type VectorIndex = Pick<StoreVectorsObject, 'nearest'>;

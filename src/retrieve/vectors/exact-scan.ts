/** Every vector compared, in one flat array a document. Pure. */

import type { Near } from '../../store/objects/vectors.ts';
import { SCALE_BYTES } from './quantise.ts';

interface DocumentVectors {
  ids: Float64Array;
  scales: Float32Array;
  /** Row after row. */
  values: Int8Array;
}

export class ExactScan {
  readonly dimensions: number;
  private readonly documents = new Map<number, DocumentVectors>();
  private vectors = 0;

  constructor(dimensions: number) {
    this.dimensions = dimensions;
  }

  /** Vectors held. */
  get size(): number {
    return this.vectors;
  }

  has(documentId: number): boolean {
    return this.documents.has(documentId);
  }

  /** @param packed one after the other, as `pack` makes them */
  add(documentId: number, ids: readonly number[], packed: Uint8Array): void {
    const stride = SCALE_BYTES + this.dimensions;
    if (packed.length !== ids.length * stride) {
      throw new RangeError(`${ids.length} vectors take ${ids.length * stride} bytes`);
    }
    this.remove(documentId);
    const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
    const scales = new Float32Array(ids.length);
    const values = new Int8Array(ids.length * this.dimensions);
    for (let row = 0; row < ids.length; row++) {
      const at = row * stride;
      scales[row] = view.getFloat32(at, true);
      const bytes = packed.subarray(at + SCALE_BYTES, at + stride);
      values.set(
        new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length),
        row * this.dimensions,
      );
    }
    this.documents.set(documentId, { ids: Float64Array.from(ids), scales, values });
    this.vectors += ids.length;
  }

  remove(documentId: number): void {
    this.vectors -= this.documents.get(documentId)?.ids.length ?? 0;
    this.documents.delete(documentId);
  }

  /** Drops all documents but these. */
  keep(documentIds: ReadonlySet<number>): void {
    for (const id of this.documents.keys()) if (!documentIds.has(id)) this.remove(id);
  }

  /** Best first; equal ones by id. O(vectors · dimensions). */
  nearest(documentIds: Iterable<number>, query: Float32Array, limit: number): Near[] {
    const best: Near[] = [];
    for (const documentId of documentIds) {
      const document = this.documents.get(documentId);
      if (!document) continue;
      const { ids, scales, values } = document;
      for (let row = 0, at = 0; row < ids.length; row++, at += this.dimensions) {
        let dot = 0;
        for (let i = 0; i < this.dimensions; i++) dot += query[i]! * values[at + i]!;
        insert(best, { id: ids[row]!, similarity: dot * scales[row]! }, limit);
      }
    }
    return best;
  }
}

/** Keeps `best` sorted and at most `limit` long: most candidates fail the first comparison. */
function insert(best: Near[], candidate: Near, limit: number): void {
  const last = best[best.length - 1];
  if (best.length >= limit && last && !before(candidate, last)) return;
  let at = best.length;
  while (at > 0 && before(candidate, best[at - 1]!)) at--;
  best.splice(at, 0, candidate);
  if (best.length > limit) best.pop();
}

function before(a: Near, b: Near): boolean {
  return a.similarity > b.similarity || (a.similarity === b.similarity && a.id < b.id);
}

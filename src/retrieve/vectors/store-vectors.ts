/**
 * The Durable Object that holds a store's vectors in memory and compares all of
 * them. D1 is the truth: the caller says which documents may be searched, what
 * the object lacks of them it reads there, and what is deleted there no caller
 * names again. So an evicted object loses nothing but the time to read.
 */

import { DurableObject } from 'cloudflare:workers';
import type { Bindings } from '../../bindings.ts';
import type { Near, Space, StoreVectorsObject } from '../../store/objects/vectors.ts';
import { vectorsOf } from '../../store/vectors.ts';
import { ExactScan } from './exact-scan.ts';

/** A quarter of an isolate's memory at 256 dimensions. Passages beyond are found by words. */
const MAX_VECTORS = 120_000;
/** Documents a query to D1: it bounds the answer's size. */
const DOCUMENTS_A_QUERY = 64;

export class StoreVectors extends DurableObject<Bindings> implements StoreVectorsObject {
  private held: { embedder: string; scan: ExactScan } | undefined;

  async nearest(
    { embedder }: Space,
    documentIds: readonly number[],
    query: Float32Array,
    limit: number,
  ): Promise<Near[]> {
    if (this.held?.embedder !== embedder) {
      this.held = { embedder, scan: new ExactScan(query.length) };
    }
    const { scan } = this.held;
    await this.load(embedder, scan, documentIds);
    return scan.nearest(documentIds, query, limit);
  }

  private async load(embedder: string, scan: ExactScan, documentIds: readonly number[]) {
    const missing = documentIds.filter((id) => !scan.has(id));
    if (missing.length > 0 && scan.size + missing.length > MAX_VECTORS / 2) {
      // Deleted documents are never named again: now is when their room is wanted.
      scan.keep(new Set(documentIds));
    }
    for (let from = 0; from < missing.length; from += DOCUMENTS_A_QUERY) {
      const ids = missing.slice(from, from + DOCUMENTS_A_QUERY);
      for (const { id, chunkIds, packed } of await vectorsOf(this.env, embedder, ids)) {
        if (scan.size + chunkIds.length > MAX_VECTORS) return;
        scan.add(id, chunkIds, packed);
      }
    }
  }
}

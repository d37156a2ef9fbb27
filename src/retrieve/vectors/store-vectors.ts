/**
 * The Durable Object that holds a store's vectors in memory and compares all of
 * them. D1 is the truth: the caller says which documents may be searched, what
 * the object lacks of them it reads there, and what is deleted there no caller
 * names again. So an evicted object loses nothing but the time to read.
 */

import { DurableObject } from 'cloudflare:workers';
import type { Bindings } from '../../bindings.ts';
import type { Near, Space, StoreVectorsObject } from '../../store/objects/vectors.ts';
import { ExactScan } from './exact-scan.ts';

/** A quarter of an isolate's memory at 256 dimensions. Passages beyond are found by words. */
const MAX_VECTORS = 120_000;
/** Documents a query to D1, and passages a row of its answer: both bound the answer's size. */
const DOCUMENTS_A_QUERY = 64;
const PASSAGES_A_ROW = 500;

interface Row {
  document_id: number;
  ids: string;
  vectors: string;
}

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
      const { results } = await this.env.DB.prepare(
        `SELECT c.document_id, group_concat(c.id) AS ids, group_concat(hex(v.vector), '') AS vectors
         FROM chunks c JOIN chunk_vectors v ON v.chunk_id = c.id AND v.embedder = ?1
         WHERE c.document_id IN (SELECT value FROM json_each(?2))
         GROUP BY c.document_id, c.id / ${PASSAGES_A_ROW}`,
      )
        .bind(embedder, JSON.stringify(ids))
        .all<Row>();
      for (const id of ids) {
        const rows = results.filter((row) => row.document_id === id);
        const chunkIds = rows.flatMap((row) => row.ids.split(',').map(Number));
        if (scan.size + chunkIds.length > MAX_VECTORS) return;
        scan.add(id, chunkIds, unhex(rows.map((row) => row.vectors).join('')));
      }
    }
  }
}

function unhex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digit(text.charCodeAt(2 * i)) << 4) | digit(text.charCodeAt(2 * i + 1));
  }
  return bytes;
}

/** SQLite writes hex in capitals. */
function digit(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x37;
}

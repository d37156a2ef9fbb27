/** Which documents of which stores Vectorize has, against those that it should have. */
import type { Bindings } from '../bindings.ts';

export interface Handed {
  storeId: string;
  documentId: number;
  embedder: string;
  chunkIds: number[];
}

interface Row {
  store_id: string;
  document_id: number;
  embedder: string;
  chunk_ids: string;
}

const handed = ({ store_id, document_id, embedder, chunk_ids }: Row): Handed => ({
  storeId: store_id,
  documentId: document_id,
  embedder,
  chunkIds: JSON.parse(chunk_ids),
});

/** One that is there and should not be: detached, deleted, or of another embedder. */
export async function stale(env: Bindings, tenantId: number, embedder: string) {
  const row = await env.DB.prepare(
    `SELECT store_id, document_id, embedder, chunk_ids FROM vectorized v
     WHERE tenant_id = ?1 AND (embedder <> ?2 OR NOT EXISTS (SELECT 1 FROM store_files sf
       WHERE sf.store_id = v.store_id AND sf.document_id = v.document_id)) LIMIT 1`,
  )
    .bind(tenantId, embedder)
    .first<Row>();
  return row === null ? undefined : handed(row);
}

/** One that should be there and is not, or not known to be there whole. */
export async function missing(env: Bindings, tenantId: number, embedder: string) {
  const row = await env.DB.prepare(
    `SELECT sf.store_id, d.id AS document_id, d.embedder,
       (SELECT json_group_array(c.id) FROM chunks c WHERE c.document_id = d.id) AS chunk_ids
     FROM store_files sf JOIN documents d ON d.id = sf.document_id
     LEFT JOIN vectorized v ON v.store_id = sf.store_id AND v.document_id = d.id
     WHERE sf.tenant_id = ?1 AND d.complete AND d.embedder = ?2 AND v.complete IS NOT 1 LIMIT 1`,
  )
    .bind(tenantId, embedder)
    .first<Row>();
  return row === null ? undefined : handed(row);
}

/** Before the first vector is handed over (`complete` false), and after the last. */
export async function record(env: Bindings, tenantId: number, one: Handed, complete: boolean) {
  await env.DB.prepare(
    `INSERT OR REPLACE INTO vectorized (store_id, document_id, tenant_id, embedder, chunk_ids, complete)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
  )
    .bind(
      ...[one.storeId, one.documentId, tenantId, one.embedder],
      ...[JSON.stringify(one.chunkIds), complete ? 1 : 0],
    )
    .run();
}

export async function forget(env: Bindings, { storeId, documentId }: Handed): Promise<void> {
  await env.DB.prepare('DELETE FROM vectorized WHERE store_id = ?1 AND document_id = ?2')
    .bind(storeId, documentId)
    .run();
}

/** As `chunk_vectors` has them; passages deleted meanwhile are left out. */
export async function packedVectors(env: Bindings, embedder: string, chunkIds: readonly number[]) {
  const { results } = await env.DB.prepare(
    `SELECT chunk_id AS id, vector FROM chunk_vectors
     WHERE embedder = ?1 AND chunk_id IN (SELECT value FROM json_each(?2))`,
  )
    .bind(embedder, JSON.stringify(chunkIds))
    .all<{ id: number; vector: number[] }>();
  return results.map(({ id, vector }) => ({ id, packed: Uint8Array.from(vector) }));
}

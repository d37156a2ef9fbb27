/** Vectors of passages that were ingested without, or with those of another embedder. */
import type { Bindings } from '../bindings.ts';
import { hex } from './ids.ts';

export interface Unembedded {
  id: number;
  title: string;
  heading: string;
  text: string;
}

/** A document of the tenant's without this embedder's vectors; undefined: all have them. */
export async function documentWithout(env: Bindings, tenantId: number, embedder: string) {
  const row = await env.DB.prepare(
    'SELECT id FROM documents WHERE tenant_id = ?1 AND complete AND embedder IS NOT ?2 LIMIT 1',
  )
    .bind(tenantId, embedder)
    .first<{ id: number }>();
  return row?.id;
}

/** Its passages that lack one, the first ones. */
export async function passagesWithout(
  env: Bindings,
  documentId: number,
  embedder: string,
  limit: number,
): Promise<Unembedded[]> {
  const { results } = await env.DB.prepare(
    `SELECT id, title, heading, text FROM chunks c WHERE document_id = ?1 AND NOT EXISTS
       (SELECT 1 FROM chunk_vectors v WHERE v.chunk_id = c.id AND v.embedder = ?2)
     ORDER BY id LIMIT ?3`,
  )
    .bind(documentId, embedder, limit)
    .all<Unembedded>();
  return results;
}

/** Passages deleted meanwhile get none. */
export async function putVectors(
  env: Bindings,
  embedder: string,
  vectors: readonly { id: number; vector: Uint8Array }[],
): Promise<void> {
  await env.DB.prepare(
    `INSERT OR REPLACE INTO chunk_vectors (chunk_id, embedder, vector)
     SELECT c.id, ?1, unhex(value ->> 1) FROM json_each(?2) JOIN chunks c ON c.id = value ->> 0`,
  )
    .bind(embedder, JSON.stringify(vectors.map(({ id, vector }) => [id, hex(vector)])))
    .run();
}

/** All its passages have one now: searches look there, and vectors of other embedders go. */
export async function completeVectors(env: Bindings, documentId: number, embedder: string) {
  await env.DB.batch([
    env.DB.prepare('UPDATE documents SET embedder = ?2 WHERE id = ?1').bind(documentId, embedder),
    env.DB.prepare(
      `DELETE FROM chunk_vectors WHERE embedder <> ?2
         AND chunk_id IN (SELECT id FROM chunks WHERE document_id = ?1)`,
    ).bind(documentId, embedder),
  ]);
}

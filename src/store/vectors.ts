/** Vectors of passages that were ingested without, or with those of another embedder. */
import { and, asc, eq, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database, listed, transact } from './database.ts';
import { hex, unhex } from './ids.ts';
import { chunks, documents } from './schema.ts';

export interface Unembedded {
  id: number;
  title: string;
  heading: string;
  text: string;
}

/** A document of the tenant's without this embedder's vectors; undefined: all have them. */
export async function documentWithout(env: Bindings, tenantId: number, embedder: string) {
  const [row] = await database(env)
    .select({ id: documents.id })
    .from(documents)
    .where(
      and(
        eq(documents.tenantId, tenantId),
        eq(documents.complete, true),
        sql`${documents.embedder} IS NOT ${embedder}`,
      ),
    )
    .limit(1);
  return row?.id;
}

/** Its passages that lack one, the first ones. */
export function passagesWithout(
  env: Bindings,
  documentId: number,
  embedder: string,
  limit: number,
): Promise<Unembedded[]> {
  const { id, title, heading, text } = chunks;
  const made = sql`(SELECT 1 FROM chunk_vectors v WHERE v.chunk_id = ${id} AND v.embedder = ${embedder})`;
  return database(env)
    .select({ id, title, heading, text })
    .from(chunks)
    .where(and(eq(chunks.documentId, documentId), sql`NOT EXISTS ${made}`))
    .orderBy(asc(id))
    .limit(limit);
}

/** Passages deleted meanwhile get none. */
export async function putVectors(
  env: Bindings,
  embedder: string,
  vectors: readonly { id: number; vector: Uint8Array }[],
): Promise<void> {
  const rows = JSON.stringify(vectors.map(({ id, vector }) => [id, hex(vector)]));
  await database(env).run(
    sql`INSERT OR REPLACE INTO chunk_vectors (chunk_id, embedder, vector)
      SELECT c.id, ${embedder}, unhex(value ->> 1)
      FROM json_each(${rows}) JOIN chunks c ON c.id = value ->> 0`,
  );
}

/** All its passages have one now: searches look there, and vectors of other embedders go. */
export async function completeVectors(env: Bindings, documentId: number, embedder: string) {
  await transact(env, [
    sql`UPDATE documents SET embedder = ${embedder} WHERE id = ${documentId}`,
    sql`DELETE FROM chunk_vectors WHERE embedder <> ${embedder}
      AND chunk_id IN (SELECT id FROM chunks WHERE document_id = ${documentId})`,
  ]);
}

/** A document's vectors: its passages' ids, and what `chunk_vectors` has of them, in their order. */
export interface DocumentVectors {
  id: number;
  chunkIds: number[];
  packed: Uint8Array;
}

/** Passages a row of D1's answer: it bounds the row's size. */
const PASSAGES_A_ROW = 500;

/** Documents without vectors of this embedder have no passages here. */
export async function vectorsOf(
  env: Bindings,
  embedder: string,
  documentIds: readonly number[],
): Promise<DocumentVectors[]> {
  const rows = await database(env).all<{ document: number; ids: string; vectors: string }>(
    sql`SELECT c.document_id AS document, group_concat(c.id) AS ids,
        group_concat(hex(v.vector), '') AS vectors
      FROM chunks c JOIN chunk_vectors v ON v.chunk_id = c.id AND v.embedder = ${embedder}
      WHERE c.document_id IN ${listed(documentIds)}
      GROUP BY c.document_id, c.id / ${PASSAGES_A_ROW}`,
  );
  return documentIds.map((id) => {
    const own = rows.filter(({ document }) => document === id);
    return {
      id,
      chunkIds: own.flatMap(({ ids }) => ids.split(',').map(Number)),
      packed: unhex(own.map(({ vectors }) => vectors).join('')),
    };
  });
}

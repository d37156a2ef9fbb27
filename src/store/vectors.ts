/** Vectors of passages that were ingested without, or with those of another embedder. */
import { inArray, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { pause } from '../pause.ts';
import { database, listed, transact } from './database.ts';
import { groupsWithin } from './groups.ts';
import { hex, unhex } from './ids.ts';
import { documents } from './schema.ts';

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

/** Bytes of text of the documents whose vectors are read together; a larger one's are read alone. */
const TEXT_TOGETHER = 65_536;
/** Vectors in one of D1's answers: some ten milliseconds, in which it answers nobody else. */
const VECTORS_A_QUERY = 512;

/** Documents without vectors of this embedder have no passages here. */
export async function vectorsOf(
  env: Bindings,
  embedder: string,
  documentIds: readonly number[],
): Promise<DocumentVectors[]> {
  const sizes = await database(env)
    .select({ id: documents.id, bytes: documents.textBytes })
    .from(documents)
    .where(inArray(documents.id, listed(documentIds)));
  const found = new Map(documentIds.map((id) => [id, { chunkIds: [], vectors: [] } as Found]));
  for (const group of groupsWithin(sizes, ({ bytes }) => bytes, TEXT_TOGETHER)) {
    const ids = group.map(({ id }) => id);
    for (let last = 0, more = true; more; ) {
      const rows = await vectorsBehind(env, embedder, ids, last);
      for (const { document, chunk, hex } of rows) {
        found.get(document)!.chunkIds.push(chunk);
        found.get(document)!.vectors.push(unhex(hex));
        last = chunk;
      }
      more = rows.length === VECTORS_A_QUERY;
      await pause();
    }
  }
  return [...found].map(([id, { chunkIds, vectors }]) => ({
    id,
    chunkIds,
    packed: joined(vectors),
  }));
}

interface Found {
  chunkIds: number[];
  vectors: Uint8Array[];
}

/** Of the documents, those of passages with ids above `last`, the lowest first. */
function vectorsBehind(env: Bindings, embedder: string, ids: readonly number[], last: number) {
  // Of one document, passages are in the order of the index; of several they are sorted.
  const ours = ids.length === 1 ? sql`= ${ids[0]}` : sql`IN ${listed(ids)}`;
  return database(env).all<{ document: number; chunk: number; hex: string }>(
    sql`SELECT c.document_id AS document, c.id AS chunk, hex(v.vector) AS hex
      FROM chunks c JOIN chunk_vectors v ON v.chunk_id = c.id AND v.embedder = ${embedder}
      WHERE c.document_id ${ours} AND c.id > ${last}
      ORDER BY c.id LIMIT ${VECTORS_A_QUERY}`,
  );
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

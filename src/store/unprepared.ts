/** Documents and passages that lack what is made of each passage: a vector, or token ids. */
import { and, asc, eq, type SQL, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database } from './database.ts';
import { chunks, documents } from './schema.ts';

/** What is made, and by which embedder or tokenizer. */
export type Made = { vectorsBy: string } | { idsBy: string };

export interface Unprepared {
  id: number;
  title: string;
  heading: string;
  text: string;
}

/** A document of the tenant's of which not all passages are known to have it; undefined: of all they have. */
export async function documentWithout(env: Bindings, tenantId: number, made: Made) {
  const lacks =
    'vectorsBy' in made
      ? sql`${documents.embedder} IS NOT ${made.vectorsBy}`
      : sql`${documents.tokenizer} IS NOT ${made.idsBy}`;
  const [row] = await database(env)
    .select({ id: documents.id })
    .from(documents)
    .where(and(eq(documents.tenantId, tenantId), eq(documents.complete, true), lacks))
    .limit(1);
  return row?.id;
}

/** The document's passages that lack it, the first ones. */
export function passagesWithout(
  env: Bindings,
  documentId: number,
  made: Made,
  limit: number,
): Promise<Unprepared[]> {
  const { id, title, heading, text } = chunks;
  return database(env)
    .select({ id, title, heading, text })
    .from(chunks)
    .where(and(eq(chunks.documentId, documentId), sql`NOT EXISTS (${rowOf(made)})`))
    .orderBy(asc(id))
    .limit(limit);
}

function rowOf(made: Made): SQL {
  return 'vectorsBy' in made
    ? sql`SELECT 1 FROM chunk_vectors v WHERE v.chunk_id = ${chunks.id} AND v.embedder = ${made.vectorsBy}`
    : sql`SELECT 1 FROM chunk_tokens t WHERE t.chunk_id = ${chunks.id} AND t.tokenizer = ${made.idsBy}`;
}

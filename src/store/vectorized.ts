/** Which documents of which stores Vectorize has, against those that it should have. */
import { and, eq, inArray, ne, or, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database, listed } from './database.ts';
import { chunkVectors, vectorized } from './schema.ts';

export interface Handed {
  storeId: string;
  documentId: number;
  embedder: string;
  chunkIds: number[];
}

type Row = Omit<Handed, 'chunkIds'> & { chunkIds: string };

const handed = (row: Row): Handed => ({ ...row, chunkIds: JSON.parse(row.chunkIds) });

/** One that is there and should not be: detached, deleted, or of another embedder. */
export async function stale(
  env: Bindings,
  tenantId: number,
  embedder: string,
): Promise<Handed | undefined> {
  const { storeId, documentId, chunkIds } = vectorized;
  const held = sql`EXISTS (SELECT 1 FROM store_files sf
    WHERE sf.store_id = ${storeId} AND sf.document_id = ${documentId})`;
  const [row] = await database(env)
    .select({ storeId, documentId, embedder: vectorized.embedder, chunkIds })
    .from(vectorized)
    .where(
      and(
        eq(vectorized.tenantId, tenantId),
        or(ne(vectorized.embedder, embedder), sql`NOT ${held}`),
      ),
    )
    .limit(1);
  return row && handed(row);
}

/** One that should be there and is not, or not known to be there whole. */
export async function missing(
  env: Bindings,
  tenantId: number,
  embedder: string,
): Promise<Handed | undefined> {
  const [row] = await database(env).all<Row>(
    sql`SELECT sf.store_id AS storeId, d.id AS documentId, d.embedder,
        (SELECT json_group_array(c.id) FROM chunks c WHERE c.document_id = d.id) AS chunkIds
      FROM store_files sf JOIN documents d ON d.id = sf.document_id
      LEFT JOIN vectorized v ON v.store_id = sf.store_id AND v.document_id = d.id
      WHERE sf.tenant_id = ${tenantId} AND d.complete AND d.embedder = ${embedder}
        AND v.complete IS NOT 1 LIMIT 1`,
  );
  return row && handed(row);
}

/** Before the first vector is handed over (`complete` false), and after the last. */
export async function record(
  env: Bindings,
  tenantId: number,
  { storeId, documentId, embedder, chunkIds }: Handed,
  complete: boolean,
): Promise<void> {
  const row = { tenantId, embedder, chunkIds: JSON.stringify(chunkIds), complete };
  await database(env)
    .insert(vectorized)
    .values({ storeId, documentId, ...row })
    .onConflictDoUpdate({ target: [vectorized.storeId, vectorized.documentId], set: row });
}

export async function forget(env: Bindings, { storeId, documentId }: Handed): Promise<void> {
  await database(env)
    .delete(vectorized)
    .where(and(eq(vectorized.storeId, storeId), eq(vectorized.documentId, documentId)));
}

/** As `chunk_vectors` has them; passages deleted meanwhile are left out. */
export async function packedVectors(
  env: Bindings,
  embedder: string,
  chunkIds: readonly number[],
): Promise<{ id: number; packed: Uint8Array }[]> {
  const { chunkId, vector } = chunkVectors;
  return database(env)
    .select({ id: chunkId, packed: vector })
    .from(chunkVectors)
    .where(and(eq(chunkVectors.embedder, embedder), inArray(chunkId, listed(chunkIds))));
}

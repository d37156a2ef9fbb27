/** Passages by what they mean: vectors near the question's. */
import { sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import type { Database } from '../store/database.ts';
import { embedderOf } from './embed/choose.ts';
import { reachable, type Scope } from './scope.ts';
import type { Near } from './vectors/vector-index.ts';

/** The `limit` nearest, best first; none without an embedder or a word that it knows. */
export async function searchMeaning(
  env: Bindings,
  db: Database,
  scope: Scope,
  query: string,
  limit: number,
): Promise<Near[]> {
  const embedder = await embedderOf(env);
  if (!embedder) return [];
  const [embedding] = await embedder.embed([query], 'query');
  const { vector } = embedding!;
  if (vector.every((value) => value === 0)) return [];
  const found = await Promise.all(
    scope.storeIds.map(async (store) => {
      const documents = await documentsOf(db, { ...scope, storeIds: [store] });
      if (documents.length === 0) return [];
      const { STORE_VECTORS } = env;
      const index = STORE_VECTORS.get(STORE_VECTORS.idFromName(store));
      return index.nearest(embedder.id, documents, vector, limit);
    }),
  );
  const best = new Map<number, Near>();
  for (const near of found.flat()) best.set(near.id, near);
  return [...best.values()]
    .sort((a, b) => b.similarity - a.similarity || a.id - b.id)
    .slice(0, limit);
}

/** The documents that the scope reaches: the vectors' object is told, it decides nothing. */
async function documentsOf(db: Database, scope: Scope): Promise<number[]> {
  const rows = await db.all<{ id: number }>(
    sql`SELECT d.id FROM documents d
      WHERE d.tenant_id = ${scope.namespace.tenantId}
        AND EXISTS (SELECT 1 ${reachable(scope, sql`d.id`)})`,
  );
  return rows.map(({ id }) => id);
}

/** Passages by their words: bm25 over the tenant's FTS5 index. */
import { sql } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import { passageIndex } from '../store/tenants.ts';
import { FIELD_WEIGHTS, matchQuery } from './query.ts';
import type { Ranked } from './ranked.ts';
import { reachable, type Scope } from './scope.ts';

const WEIGHTS = sql.raw(FIELD_WEIGHTS.map(([, weight]) => weight.toFixed(1)).join(', '));

/** The `limit` best passages, best first. Text without words to search for finds none. */
export async function searchWords(
  db: Database,
  scope: Scope,
  query: string,
  limit: number,
): Promise<Ranked[]> {
  const match = matchQuery(query);
  if (match === undefined) return [];
  const index = sql.raw(passageIndex(scope.namespace.tenantId));
  const rows = await db.all<{ id: number; bm25: number }>(
    sql`SELECT c.id, bm25(${index}, ${WEIGHTS}) AS bm25 FROM ${index} JOIN chunks c ON c.id = ${index}.rowid
      WHERE ${index} MATCH ${match} AND EXISTS (SELECT 1 ${reachable(scope, sql`c.document_id`)})
      ORDER BY bm25, c.id LIMIT ${limit}`,
  );
  // FTS5's bm25 is negative, the best one the lowest.
  const best = rows[0]?.bm25 ?? -1;
  return rows.map(({ id, bm25 }) => ({ id, score: bm25 / best }));
}

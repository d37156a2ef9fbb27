/** Passages by their words: bm25 over the tenant's FTS5 index. */
import type { Database } from '../store/database.ts';
import { matchWords } from '../store/passages.ts';
import type { SearchScope } from '../store/search-scope.ts';
import { FIELD_WEIGHTS, matchQuery } from './query.ts';
import type { Ranked } from './ranked.ts';

const WEIGHTS = FIELD_WEIGHTS.map(([, weight]) => weight);

/** The `limit` best passages, best first. Text without words to search for finds none. */
export async function searchWords(
  db: Database,
  scope: SearchScope,
  query: string,
  limit: number,
): Promise<Ranked[]> {
  const match = matchQuery(query);
  if (match === undefined) return [];
  const rows = await matchWords(db, scope, match, WEIGHTS, limit);
  // FTS5's bm25 is negative, the best one the lowest.
  const best = rows[0]?.bm25 ?? -1;
  return rows.map(({ id, bm25 }) => ({ id, score: bm25 / best }));
}

/** Passages as a search reads them: by words, by ids, and with what they belong to. */
import { and, inArray, isNotNull, lt, sql } from 'drizzle-orm';
import { type Database, listed } from './database.ts';
import { type Attributes, chunkTokens, SECONDS_PER_DAY, stores } from './schema.ts';
import { reachable, type SearchScope } from './search-scope.ts';
import { type Namespace, passageIndex } from './tenants.ts';

/** How stale `last_active_at` may get: searching should not write each time. */
const ACTIVITY_SECONDS = 3_600;

/**
 * The `limit` best by bm25, best first.
 *
 * @param match an FTS5 query
 * @param weights of title, heading and text
 * @returns bm25 as FTS5 has it: negative, the best one the lowest
 */
export function matchWords(
  db: Database,
  scope: SearchScope,
  match: string,
  weights: readonly number[],
  limit: number,
): Promise<{ id: number; bm25: number }[]> {
  const index = sql.raw(passageIndex(scope.namespace.tenantId));
  const weighed = sql.raw(weights.map((weight) => weight.toFixed(1)).join(', '));
  return db.all(
    sql`SELECT c.id, bm25(${index}, ${weighed}) AS bm25
      FROM ${index} JOIN chunks c ON c.id = ${index}.rowid
      WHERE ${index} MATCH ${match} AND EXISTS (SELECT 1 ${reachable(scope, sql`c.document_id`)})
      ORDER BY bm25, c.id LIMIT ${limit}`,
  );
}

/** Those of the passages that the scope reaches. */
export function readTexts(
  db: Database,
  scope: SearchScope,
  ids: readonly number[],
): Promise<{ id: number; title: string; heading: string; text: string }[]> {
  return db.all(
    sql`SELECT c.id, c.title, c.heading, c.text FROM chunks c
      WHERE c.id IN ${listed(ids)}
        AND EXISTS (SELECT 1 ${reachable(scope, sql`c.document_id`)})`,
  );
}

/** The documents that the scope reaches; `current` is 1 where all their passages have a vector of this embedder. */
export function reachableDocuments(
  db: Database,
  scope: SearchScope,
  embedder: string,
): Promise<{ id: number; current: number }[]> {
  return db.all(
    sql`SELECT d.id, d.embedder IS ${embedder} AS current FROM documents d
      WHERE d.tenant_id = ${scope.namespace.tenantId}
        AND EXISTS (SELECT 1 ${reachable(scope, sql`d.id`)})`,
  );
}

export interface PassageRecord {
  id: number;
  fileId: string;
  fileName: string;
  attributes: Attributes | null;
  title: string;
  heading: string;
  text: string;
  /** Range in the file's text, in UTF-16 code units. */
  start: number;
  end: number;
  /** Of its text; null where it was ingested for another tokenizer. */
  tokens: Int32Array | null;
  /** Whether all of its document has tokens for this tokenizer. */
  isPrepared: boolean;
}

interface Row extends Omit<PassageRecord, 'attributes' | 'tokens' | 'isPrepared'> {
  attributes: string | null;
  prepared: number;
  ids: number[] | ArrayBuffer | null;
}

/** The passages by id; those that the scope does not reach are left out. */
export async function readPassages(
  db: Database,
  scope: SearchScope,
  ids: readonly number[],
): Promise<Map<number, PassageRecord>> {
  const rows = await db.all<Row>(
    sql`SELECT c.id, f.id AS fileId, f.filename AS fileName, a.attributes,
        c.title, c.heading, c.text, c.start, c."end", t.ids,
        d.tokenizer IS ${scope.namespace.tokenizer} AS prepared
      FROM chunks c
      JOIN documents d ON d.id = c.document_id
      JOIN store_files a ON (a.store_id, a.file_id) = (
        SELECT sf.store_id, sf.file_id ${reachable(scope, sql`c.document_id`)}
        ORDER BY sf.created_at, sf.file_id LIMIT 1)
      JOIN files f ON f.id = a.file_id
      LEFT JOIN chunk_tokens t ON t.chunk_id = c.id AND t.tokenizer = ${scope.namespace.tokenizer}
      WHERE c.id IN ${listed(ids)}`,
  );
  return new Map(
    rows.map(({ ids: stored, attributes, prepared, ...row }) => [
      row.id,
      {
        ...row,
        attributes: attributes && JSON.parse(attributes),
        tokens: stored && new Int32Array(new Uint8Array(stored).buffer),
        isPrepared: prepared === 1,
      },
    ]),
  );
}

/** Keeps a passage's tokens for a tokenizer that it was not ingested for. */
export async function keepTokens(
  db: Database,
  chunkId: number,
  tokenizer: string,
  ids: Int32Array,
): Promise<void> {
  await db.insert(chunkTokens).values({ chunkId, tokenizer, ids }).onConflictDoNothing();
}

/** A store that is searched is in use: its expiry counts from now. */
export async function touchStores(
  db: Database,
  { tenantId }: Namespace,
  storeIds: readonly string[],
): Promise<void> {
  await db
    .update(stores)
    .set({ lastActiveAt: sql`unixepoch()` })
    .where(
      and(
        inArray(stores.id, listed(storeIds)),
        sql`${stores.tenantId} = ${tenantId}`,
        isNotNull(stores.expiresAfterDays),
        lt(stores.lastActiveAt, sql`unixepoch() - ${ACTIVITY_SECONDS}`),
        sql`${stores.lastActiveAt} + ${stores.expiresAfterDays} * ${SECONDS_PER_DAY} > unixepoch()`,
      ),
    );
}

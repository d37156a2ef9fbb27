/** A question to the passages that may answer it, best first. */
import { and, inArray, isNotNull, lt, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { loadModel } from '../model/record.ts';
import { type Database, database, listed } from '../store/database.ts';
import { type Attributes, chunkTokens, SECONDS_PER_DAY, stores } from '../store/schema.ts';
import type { Namespace } from '../store/tenants.ts';
import { diversify } from './diversify.ts';
import type { AttributeFilter } from './filter.ts';
import { nearness } from './fuse.ts';
import { searchHybrid } from './hybrid.ts';
import { searchWords } from './lexical.ts';
import { MAX_QUESTION } from './query.ts';
import type { Ranked } from './ranked.ts';
import { reachable, type Scope } from './scope.ts';
import { searchMeaning } from './semantic.ts';

export interface Passage {
  /** null for one of a file that a request brought: it need be in no store. */
  id: number | null;
  fileId: string;
  fileName: string;
  attributes: Attributes | null;
  title: string;
  heading: string;
  text: string;
  /** Of `text`, by the target's tokenizer. */
  tokens: Int32Array;
  /** Range in the file's text, in UTF-16 code units. */
  start: number;
  end: number;
  /** In (0, 1]: a share of the best one's in this search. */
  score: number;
}

/** The first is the default. */
export const SEARCH_METHODS = ['hybrid', 'bm25', 'vector'] as const;
type SearchMethod = (typeof SEARCH_METHODS)[number];

export interface SearchOptions {
  filter?: AttributeFilter | undefined;
  /** 0 to 1: how much a passage's likeness to better ones counts against it. */
  diversity?: number | undefined;
  /** Default `hybrid`: docs/decisions.md says why. */
  method?: SearchMethod | undefined;
  /** Passages that score less are left out. */
  scoreThreshold?: number | undefined;
}

/** Most passages a search returns. */
export const MAX_RESULTS = 50;
/** To vary results from: this many passages for each that is wanted. */
const CANDIDATES_PER_RESULT = 4;
/** Of each ranking, what is fused: a passage low in one may be high in the other. */
const POOL = 100;
/** How stale `last_active_at` may get: searching should not write each time. */
const ACTIVITY_SECONDS = 3_600;

/**
 * The `k` best passages of the stores named, which must be the namespace's own:
 * others are as if they weren't there, and so are expired ones. Any text is a
 * valid query; one without words finds nothing, and of a long one its beginning counts.
 */
export async function search(
  env: Bindings,
  namespace: Namespace,
  storeIds: readonly string[],
  query: string,
  k: number,
  options: SearchOptions = {},
): Promise<Passage[]> {
  if (storeIds.length === 0) return [];
  const db = database(env);
  const scope: Scope = { namespace, storeIds, filter: options.filter };
  const { diversity = 0, scoreThreshold = 0 } = options;
  const wanted = Math.min(k, MAX_RESULTS);
  const candidates = diversity > 0 ? wanted * CANDIDATES_PER_RESULT : wanted;
  const pool = Math.max(candidates, POOL);
  const { method = SEARCH_METHODS[0] } = options;
  const [ranking] = await Promise.all([
    rank(env, db, scope, query.slice(0, MAX_QUESTION), pool, method),
    touch(db, namespace, storeIds),
  ]);
  const good = ranking.filter(({ score }) => score >= scoreThreshold).slice(0, candidates);
  return diversify(await readPassages(env, db, scope, good), wanted, diversity);
}

async function rank(
  env: Bindings,
  db: Database,
  scope: Scope,
  query: string,
  pool: number,
  method: SearchMethod,
): Promise<Ranked[]> {
  switch (method) {
    case 'bm25':
      return searchWords(db, scope, query, pool);
    case 'vector':
      return nearness(await searchMeaning(env, db, scope, query, pool));
    case 'hybrid':
      return searchHybrid(env, db, scope, query, pool);
  }
}

/** A store that is searched is in use: its expiry counts from now. */
async function touch(db: Database, { tenantId }: Namespace, storeIds: readonly string[]) {
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

interface Row extends Omit<Passage, 'id' | 'tokens' | 'score' | 'attributes'> {
  id: number;
  attributes: string | null;
  ids: number[] | ArrayBuffer | null;
}

/** The passages in the ranking's order; ids that the scope does not reach are left out. */
async function readPassages(
  env: Bindings,
  db: Database,
  scope: Scope,
  ranking: readonly Ranked[],
): Promise<Passage[]> {
  if (ranking.length === 0) return [];
  const ids = listed(ranking.map(({ id }) => id));
  const rows = await db.all<Row>(
    sql`SELECT c.id, f.id AS fileId, f.filename AS fileName, a.attributes,
        c.title, c.heading, c.text, c.start, c."end", t.ids
      FROM chunks c
      JOIN store_files a ON (a.store_id, a.file_id) = (
        SELECT sf.store_id, sf.file_id ${reachable(scope, sql`c.document_id`)}
        ORDER BY sf.created_at, sf.file_id LIMIT 1)
      JOIN files f ON f.id = a.file_id
      LEFT JOIN chunk_tokens t ON t.chunk_id = c.id AND t.tokenizer = ${scope.namespace.tokenizer}
      WHERE c.id IN ${ids}`,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const found = ranking.flatMap(({ id, score }) => {
    const row = byId.get(id);
    return row ? [{ row, score }] : [];
  });
  return Promise.all(
    found.map(async ({ row, score }) => {
      const { ids: stored, attributes, ...passage } = row;
      const tokens = stored
        ? new Int32Array(new Uint8Array(stored).buffer)
        : await tokenize(env, db, scope.namespace, row);
      return { ...passage, attributes: attributes && JSON.parse(attributes), tokens, score };
    }),
  );
}

/** Passages that were ingested for another model get this one's tokens when first found. */
async function tokenize(
  env: Bindings,
  db: Database,
  { tokenizer }: Namespace,
  { id, text }: Row,
): Promise<Int32Array> {
  const ids = (await loadModel(env)).encodeUntrusted(text);
  await db.insert(chunkTokens).values({ chunkId: id, tokenizer, ids }).onConflictDoNothing();
  return ids;
}

/** A question to the passages that may answer it, best first. */
import type { Bindings } from '../bindings.ts';
import { loadModel } from '../model/record.ts';
import type { AttributeFilter } from '../store/attribute-filter.ts';
import { type Database, database } from '../store/database.ts';
import { keepTokens, type PassageRecord, readPassages, touchStores } from '../store/passages.ts';
import type { SearchScope } from '../store/search-scope.ts';
import type { Namespace } from '../store/tenants.ts';
import { diversify } from './diversify.ts';
import { nearness } from './fuse.ts';
import { searchHybrid } from './hybrid.ts';
import { searchWords } from './lexical.ts';
import { MAX_QUESTION } from './query.ts';
import type { Ranked } from './ranked.ts';
import { searchMeaning } from './semantic.ts';
import { wakeToPrepare } from './wake.ts';

/** A passage that was found. */
export interface Passage extends Omit<PassageRecord, 'id' | 'tokens' | 'isPrepared'> {
  /** null for one of a file that a request brought: it need be in no store. */
  id: number | null;
  /** Of `text`, by the target's tokenizer. */
  tokens: Int32Array;
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
  const scope: SearchScope = { namespace, storeIds, filter: options.filter };
  const { diversity = 0, scoreThreshold = 0 } = options;
  const wanted = Math.min(k, MAX_RESULTS);
  const candidates = diversity > 0 ? wanted * CANDIDATES_PER_RESULT : wanted;
  const pool = Math.max(candidates, POOL);
  const { method = SEARCH_METHODS[0] } = options;
  const [ranking] = await Promise.all([
    rank(env, db, scope, query.slice(0, MAX_QUESTION), pool, method),
    touchStores(db, namespace, storeIds),
  ]);
  const good = ranking.filter(({ score }) => score >= scoreThreshold).slice(0, candidates);
  return diversify(await passagesOf(env, db, scope, good), wanted, diversity);
}

async function rank(
  env: Bindings,
  db: Database,
  scope: SearchScope,
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

/** The passages in the ranking's order; ids that the scope does not reach are left out. */
async function passagesOf(
  env: Bindings,
  db: Database,
  scope: SearchScope,
  ranking: readonly Ranked[],
): Promise<Passage[]> {
  if (ranking.length === 0) return [];
  const records = await readPassages(
    db,
    scope,
    ranking.map(({ id }) => id),
  );
  const found = ranking.flatMap(({ id, score }) => {
    const record = records.get(id);
    return record ? [{ ...record, score }] : [];
  });
  if (found.some(({ isPrepared }) => !isPrepared)) {
    const { tenantId, tokenizer } = scope.namespace;
    await wakeToPrepare(env, tenantId, tokenizer);
  }
  return Promise.all(
    found.map(async ({ tokens, isPrepared: _, ...passage }) => ({
      ...passage,
      tokens: tokens ?? (await tokenize(env, db, scope.namespace, passage)),
    })),
  );
}

/** Passages that were ingested for another model get this one's tokens when first found. */
async function tokenize(
  env: Bindings,
  db: Database,
  { tokenizer }: Namespace,
  { id, text }: { id: number; text: string },
): Promise<Int32Array> {
  const ids = (await loadModel(env)).encodeUntrusted(text);
  await keepTokens(db, id, tokenizer, ids);
  return ids;
}

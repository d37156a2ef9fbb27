/** Words and vectors together: both propose passages, and the better judge ranks them. */
import type { Bindings } from '../bindings.ts';
import type { Database } from '../store/database.ts';
import { readTexts } from '../store/passages.ts';
import type { SearchScope } from '../store/search-scope.ts';
import { embedderOf } from './embed/choose.ts';
import { add, fuse, LEAST_SIMILARITY, MEANING_WEIGHT } from './fuse.ts';
import { interact } from './interaction.ts';
import { searchWords } from './lexical.ts';
import type { Ranked } from './ranked.ts';
import { searchMeaning } from './semantic.ts';

/** What the best interaction is worth beside the best bm25; chosen as WINDOW was. */
const INTERACTION_WEIGHT = 0.8;
/** Passages that are compared token by token: the best by words, and by vectors. */
const COMPARED_BY_WORDS = 60;
const COMPARED_BY_MEANING = 20;

/**
 * The `limit` best by words and the `limit` nearest, ranked by bm25 and late
 * interaction where the embedder has vectors of tokens, else by bm25 and nearness.
 */
export async function searchHybrid(
  env: Bindings,
  db: Database,
  scope: SearchScope,
  query: string,
  limit: number,
): Promise<Ranked[]> {
  const [words, near, embedder] = await Promise.all([
    searchWords(db, scope, query, limit),
    searchMeaning(env, db, scope, query, limit),
    embedderOf(env),
  ]);
  if (!embedder?.tokens) return fuse(words, near, MEANING_WEIGHT);
  const similar = near.filter(({ similarity }) => similarity >= LEAST_SIMILARITY);
  const compared = new Set([
    ...words.slice(0, COMPARED_BY_WORDS).map(({ id }) => id),
    ...similar.slice(0, COMPARED_BY_MEANING).map(({ id }) => id),
  ]);
  const candidates = await readTexts(db, scope, [...compared]);
  return add(words, await interact(embedder.tokens, query, candidates), INTERACTION_WEIGHT);
}

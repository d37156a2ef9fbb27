/** Passages by what they mean: vectors near the question's. */
import type { Bindings } from '../bindings.ts';
import type { Database } from '../store/database.ts';
import type { Near } from '../store/objects/vectors.ts';
import { reachableDocuments } from '../store/passages.ts';
import type { SearchScope } from '../store/search-scope.ts';
import { embedderOf } from './embed/choose.ts';
import type { Embedder } from './embed/embedder.ts';
import { vectorIndexOf } from './vectors/choose.ts';
import { wakeToPrepare } from './wake.ts';

/** The `limit` nearest, best first; none without an embedder or a word that it knows. */
export async function searchMeaning(
  env: Bindings,
  db: Database,
  scope: SearchScope,
  query: string,
  limit: number,
): Promise<Near[]> {
  const embedder = await embedderOf(env);
  const vector = embedder && (await vectorOf(embedder, query));
  if (!vector) return [];
  const { tenantId } = scope.namespace;
  const index = vectorIndexOf(env);
  const found = await Promise.all(
    scope.storeIds.map(async (storeId) => {
      // The index receives the documents to search; it decides nothing.
      const reached = { ...scope, storeIds: [storeId] };
      const documents = await reachableDocuments(db, reached, embedder.space);
      if (documents.some(({ current }) => !current)) {
        await wakeToPrepare(env, tenantId, embedder.space);
      }
      const ids = documents.filter(({ current }) => current).map(({ id }) => id);
      if (ids.length === 0) return [];
      const space = { tenantId, storeId, embedder: embedder.space };
      return index.nearest(space, ids, vector, limit).catch(wordsOnly);
    }),
  );
  const best = new Map<number, Near>();
  for (const near of found.flat()) best.set(near.id, near);
  return [...best.values()]
    .sort((a, b) => b.similarity - a.similarity || a.id - b.id)
    .slice(0, limit);
}

/** Null for a question without words, and while the embedder fails: a search goes by words then. */
async function vectorOf(embedder: Embedder, query: string): Promise<Float32Array | null> {
  try {
    const [embedding] = await embedder.embed([query], 'query');
    return embedding!.vector.every((value) => value === 0) ? null : embedding!.vector;
  } catch (error) {
    wordsOnly(error);
    return null;
  }
}

/** No reason to fail a search. */
function wordsOnly(error: unknown): Near[] {
  console.error(JSON.stringify({ event: 'vectors_failed', error: String(error) }));
  return [];
}

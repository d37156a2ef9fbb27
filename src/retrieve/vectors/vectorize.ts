/**
 * Cloudflare's Vectorize as a `VectorIndex`, for stores beyond what an object holds.
 * Unproven: tested against a stand-in with its limits and delays, since the real one
 * needs an account. A store is a namespace, and a passage's id begins with the
 * store's. D1 stays the truth: what Vectorize still has of a deleted document is not
 * among those that the caller names, and so is never found.
 */
import type { Bindings, Vectorize } from '../../bindings.ts';
import { sha256 } from '../../store/ids.ts';
import type { Near, Space } from '../../store/objects/vectors.ts';
import {
  forget,
  type Handed,
  missing,
  packedVectors,
  record,
  stale,
} from '../../store/vectorized.ts';
import { unpack } from './quantise.ts';
import type { VectorIndex } from './vector-index.ts';

/** Vectorize's own limits: matches of a query, bytes of a filter, vectors of a mutation. */
const MAX_MATCHES = 100;
const MAX_FILTER_BYTES = 2_048;
const MAX_MUTATION = 500;

export function vectorizeIndex(vectorize: Vectorize): VectorIndex {
  return {
    async nearest(space, documentIds, query, limit) {
      const wanted = new Set(documentIds);
      // Few documents are named to it; of many, those that may not be found are left out here.
      const filter = { document: { $in: [...documentIds] } };
      const fits = JSON.stringify(filter).length <= MAX_FILTER_BYTES;
      const { matches } = await vectorize.query([...query], {
        topK: Math.min(limit, MAX_MATCHES),
        namespace: await namespaceOf(space),
        returnMetadata: 'indexed',
        ...(fits && { filter }),
      });
      return matches.flatMap(({ id, score, metadata }): Near[] =>
        wanted.has(Number(metadata?.document)) ? [{ id: chunkOf(id), similarity: score }] : [],
      );
    },
  };
}

/**
 * One step of bringing Vectorize to what D1 says it should have of the tenant's;
 * false when nothing is left to do. Every step may be cut off and done again.
 */
export async function reconcile(
  env: Bindings,
  vectorize: Vectorize,
  tenantId: number,
  embedder: string,
): Promise<boolean> {
  const gone = await stale(env, tenantId, embedder);
  if (gone) {
    for (const ids of parts(gone.chunkIds)) {
      await vectorize.deleteByIds(ids.map((id) => entryId(gone.storeId, id)));
    }
    await forget(env, gone);
    return true;
  }
  const fresh = await missing(env, tenantId, embedder);
  if (!fresh) return false;
  await record(env, tenantId, fresh, false);
  await handOver(env, vectorize, tenantId, fresh);
  await record(env, tenantId, fresh, true);
  return true;
}

async function handOver(env: Bindings, vectorize: Vectorize, tenantId: number, one: Handed) {
  const { storeId, documentId, embedder } = one;
  const namespace = await namespaceOf({ tenantId, storeId, embedder });
  for (const ids of parts(one.chunkIds)) {
    const vectors = await packedVectors(env, embedder, ids);
    if (vectors.length === 0) continue;
    await vectorize.upsert(
      vectors.map(({ id, packed }) => ({
        id: entryId(storeId, id),
        namespace,
        values: [...unpack(packed)],
        metadata: { document: documentId },
      })),
    );
  }
}

/** Vectorize takes 64 bytes: a hash of all that keeps vectors apart. */
async function namespaceOf({ tenantId, storeId, embedder }: Space): Promise<string> {
  return sha256(`${tenantId}\n${storeId}\n${embedder}`);
}

const entryId = (storeId: string, chunkId: number) => `${storeId}/${chunkId}`;
const chunkOf = (id: string) => Number(id.slice(id.lastIndexOf('/') + 1));

function* parts(ids: readonly number[]): Generator<number[]> {
  for (let from = 0; from < ids.length; from += MAX_MUTATION) {
    yield ids.slice(from, from + MAX_MUTATION);
  }
}

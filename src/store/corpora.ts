/** Where a store's text is kept to draft from: names of objects and keys, all derived here. */

import type { Bindings } from '../bindings.ts';
import type { CorpusPlace } from './objects/memory.ts';

/** The object of one shard. */
export function corpusAt(env: Bindings, place: CorpusPlace) {
  const { tenantId, storeId, tokenizer, shard } = place;
  const { STORE_CORPUS } = env;
  return STORE_CORPUS.get(STORE_CORPUS.idFromName([tenantId, storeId, tokenizer, shard].join('/')));
}

/** Of the segments of one shard in R2. */
export function shardPrefix({ tokenizer, shard, ...place }: CorpusPlace): string {
  return `${corpusPrefix(place)}${tokenizer}/${shard}/`;
}

/** Of a store's segments in R2, all tokenizers and shards. */
export function corpusPrefix({ tenantId, storeId }: Pick<CorpusPlace, 'tenantId' | 'storeId'>) {
  return `${tenantPrefix(tenantId)}corpus/${storeId}/`;
}

/** Of everything in R2 that is a tenant's. */
export function tenantPrefix(tenantId: number): string {
  return `tenants/${tenantId}/`;
}

/** Deletes everything in R2 under a prefix, a page of keys at a time. */
export async function deletePrefix({ FILES }: Pick<Bindings, 'FILES'>, prefix: string) {
  for (;;) {
    const { objects, truncated } = await FILES.list({ prefix });
    if (objects.length > 0) await FILES.delete(objects.map(({ key }) => key));
    if (!truncated) return;
  }
}

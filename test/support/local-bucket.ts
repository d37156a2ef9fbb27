/** R2 as `wrangler dev` has it, in memory. */
import { Miniflare } from 'miniflare';

export interface LocalBucket {
  files: R2Bucket;
  close(): Promise<void>;
}

export async function localBucket(): Promise<LocalBucket> {
  const miniflare = new Miniflare({ modules: true, script: '', r2Buckets: ['FILES'] });
  const files = (await miniflare.getR2Bucket('FILES')) as unknown as R2Bucket;
  return { files, close: () => miniflare.dispose() };
}

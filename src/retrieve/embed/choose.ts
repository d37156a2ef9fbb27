import type { Bindings } from '../../bindings.ts';
import { bundledEmbedder } from './bundled.ts';
import type { Embedder } from './embedder.ts';

/** The embedder that `EMBEDDER` names, or null for none. Throws on a name that is unknown. */
export async function embedderOf({ EMBEDDER = 'bundled' }: Bindings): Promise<Embedder | null> {
  if (EMBEDDER === 'none') return null;
  if (EMBEDDER === 'bundled') return bundledEmbedder();
  throw new Error(`EMBEDDER is "${EMBEDDER}": set it to "bundled" or "none"`);
}

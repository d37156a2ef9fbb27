/**
 * Vectors anew, where documents have none of the embedder that is configured: after
 * it was changed, or was away while they came. Until then they are found by words.
 */
import type { Bindings } from '../bindings.ts';
import { documentWithout, passagesWithout } from '../store/unprepared.ts';
import { completeVectors, putVectors } from '../store/vectors.ts';
import { embedderOf } from './embed/choose.ts';
import { passageText } from './embed/embedder.ts';
import { pack } from './vectors/quantise.ts';
import { reconcile } from './vectors/vectorize.ts';

/** Passages embedded and written at a time. */
const PASSAGES = 256;

/**
 * One step of it, and of the update of Vectorize; idempotent. False when there is
 * nothing left to do, or no embedder.
 */
export async function revector(env: Bindings, tenantId: number): Promise<boolean> {
  const embedder = await embedderOf(env);
  if (!embedder) return false;
  const documentId = await documentWithout(env, tenantId, { vectorsBy: embedder.space });
  if (documentId === undefined) {
    return env.VECTORIZE ? reconcile(env, env.VECTORIZE, tenantId, embedder.space) : false;
  }
  const passages = await passagesWithout(env, documentId, { vectorsBy: embedder.space }, PASSAGES);
  if (passages.length > 0) {
    const embeddings = await embedder.embed(passages.map(passageText), 'passage');
    const vectors = passages.map(({ id }, i) => ({ id, vector: pack(embeddings[i]!.vector) }));
    await putVectors(env, embedder.space, vectors);
  }
  if (passages.length < PASSAGES) await completeVectors(env, documentId, embedder.space);
  return true;
}

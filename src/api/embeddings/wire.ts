/** What /v1/embeddings answers. */
import * as v from 'valibot';
import { count } from '../wire.ts';

export const embeddingList = v.pipe(
  v.object({
    object: v.literal('list'),
    data: v.array(
      v.object({
        object: v.literal('embedding'),
        index: count,
        embedding: v.pipe(
          v.union([v.array(v.number()), v.string()]),
          v.description('Numbers, or a text with `encoding_format: "base64"`.'),
        ),
      }),
    ),
    model: v.string(),
    usage: v.object({ prompt_tokens: count, total_tokens: count }),
  }),
  v.title('Embeddings'),
);

export type EmbeddingList = v.InferOutput<typeof embeddingList>;

/** Little-endian float32, as OpenAI sends them. */
export function base64(vector: Float32Array): string {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  return btoa(String.fromCharCode(...bytes));
}

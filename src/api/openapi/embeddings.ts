/** Embeddings, told to those who call them. */
import * as v from 'valibot';
import { embeddingsBody } from '../embeddings/route.ts';
import { json, type Resource } from './operation.ts';
import { count } from './shared.ts';

const embeddings = v.object({
  object: v.literal('list'),
  data: v.array(
    v.object({
      object: v.literal('embedding'),
      index: count,
      embedding: v.union([v.array(v.number()), v.string()]),
    }),
  ),
  model: v.string(),
  usage: v.object({ prompt_tokens: count, total_tokens: count }),
});

export const embeddingsResource: Resource = {
  components: {
    EmbeddingsRequest: {
      schema: embeddingsBody,
      notes: {
        input: 'A text, or several.',
        encoding_format: 'Numbers, or base64 of little-endian float32.',
        dimensions: 'The model’s own number, or left out.',
        user: 'A label of the caller’s own. It changes nothing.',
      },
    },
    Embeddings: { schema: embeddings },
  },
  operations: [
    {
      method: 'post',
      path: '/v1/embeddings',
      id: 'createEmbeddings',
      tag: 'Embeddings',
      summary: 'Makes vectors of texts',
      scopes: ['chat', 'ingest'],
      body: embeddingsBody,
      answers: json(embeddings),
    },
  ],
};

import { json, type Operation } from '../instance/openapi/operation.ts';
import { embeddingsRequest } from './schema.ts';
import { embeddingList } from './wire.ts';

export const embeddingsOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/embeddings',
    id: 'createEmbeddings',
    tag: 'Embeddings',
    summary: 'Makes vectors of texts',
    scopes: ['chat', 'ingest'],
    body: embeddingsRequest,
    answers: json(embeddingList),
  },
];

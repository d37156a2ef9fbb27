/** /v1/embeddings: texts to the vectors that searches compare. */
import { Hono } from 'hono';
import type { Bindings } from '../../bindings.ts';
import { embedderOf, embedderState } from '../../retrieve/embed/choose.ts';
import { readBody } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound, unavailable } from '../errors.ts';
import { embeddingsRequest, MAX_INPUT_TOTAL } from './schema.ts';
import { base64, type EmbeddingList } from './wire.ts';

export const embeddings = new Hono<AppEnv>();

embeddings.post('/', async function createEmbeddings(c) {
  const body = await readBody(c, embeddingsRequest);
  const embedder = await embedderOf(c.env);
  if (!embedder) throw unavailable(await reasonFor(c.env));
  if (body.model !== embedder.id) {
    throw notFound(['model'], `no embedding model "${body.model}": use "${embedder.id}"`);
  }
  const { dimensions } = body;
  if (dimensions != null && dimensions !== embedder.dimensions) {
    throw invalid(
      ['dimensions'],
      `${embedder.id} has ${embedder.dimensions}: send that, or leave it out`,
    );
  }
  const texts = typeof body.input === 'string' ? [body.input] : body.input;
  if (texts.reduce((total, { length }) => total + length, 0) > MAX_INPUT_TOTAL) {
    throw invalid(['input'], `at most ${MAX_INPUT_TOTAL} characters together: send fewer`);
  }
  const made = await embedder.embed(texts);
  const tokens = made.reduce((total, embedding) => total + embedding.tokens, 0);
  return c.json<EmbeddingList>({
    object: 'list',
    data: made.map(({ vector }, index) => ({
      object: 'embedding',
      index,
      embedding: body.encoding_format === 'base64' ? base64(vector) : [...vector],
    })),
    model: embedder.id,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
});

/** Why there is no embedder. */
async function reasonFor(env: Bindings): Promise<string> {
  const state = await embedderState(env);
  return state.state === 'failed'
    ? `the embedder can't be had: ${state.reason}`
    : 'this worker has no embedder: set EMBEDDER to "bundled"';
}

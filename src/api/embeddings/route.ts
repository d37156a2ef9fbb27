/** /v1/embeddings: texts to the vectors that searches compare. */
import { Hono } from 'hono';
import type { Bindings } from '../../bindings.ts';
import { embedderOf, embedderState } from '../../retrieve/embed/choose.ts';
import type { Embedder, Embedding } from '../../retrieve/embed/embedder.ts';
import { readBody } from '../body/read.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound, unavailable } from '../errors.ts';
import { type EmbeddingsInput, embeddingsRequest, inputsOf, MAX_INPUT_TOTAL } from './schema.ts';
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
  const inputs = inputsOf(body);
  if (inputs.reduce((total, { length }) => total + length, 0) > MAX_INPUT_TOTAL) {
    const what = isTexts(inputs) ? 'characters' : 'token ids';
    throw invalid(['input'], `at most ${MAX_INPUT_TOTAL} ${what} together: send fewer`);
  }
  const made = await (isTexts(inputs) ? embedder.embed(inputs) : embedIds(embedder, inputs));
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

const isTexts = (inputs: EmbeddingsInput): inputs is string[] => typeof inputs[0] === 'string';

/** Throws the `ApiFailure` of ids that the embedder has no tokens for. */
function embedIds({ id, ids }: Embedder, lists: number[][]): Promise<Embedding[]> {
  if (!ids) throw invalid(['input'], `${id} takes no token ids here: send text`);
  const strange = lists.flat().find((token) => !ids.has(token));
  if (strange !== undefined) throw invalid(['input'], `${strange} is no token of "${id}"`);
  return ids.embed(lists);
}

/** Why there is no embedder. */
async function reasonFor(env: Bindings): Promise<string> {
  const state = await embedderState(env);
  return state.state === 'failed'
    ? `the embedder can't be had: ${state.reason}`
    : 'this worker has no embedder: set EMBEDDER to "bundled"';
}

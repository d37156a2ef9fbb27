/** /v1/embeddings: texts to the vectors that searches compare. */
import { Hono } from 'hono';
import * as v from 'valibot';
import type { Bindings } from '../../bindings.ts';
import { embedderOf, embedderState } from '../../retrieve/embed/choose.ts';
import { readBody } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound, unavailable } from '../errors.ts';

const MAX_INPUTS = 256;
/** Of one text, in UTF-16 code units. */
const MAX_INPUT = 32_768;
/** Of all texts of a request. */
const MAX_INPUT_TOTAL = 1_048_576;

const INPUT = `must be a text or 1 to ${MAX_INPUTS} of them; token ids are not supported`;
const text = v.pipe(
  v.string(INPUT),
  v.minLength(1, 'must not be empty'),
  v.maxLength(MAX_INPUT, `at most ${MAX_INPUT} characters a text: split it`),
);

export const embeddingsBody = v.strictObject({
  model: v.string('must be a string'),
  input: v.union(
    [text, v.pipe(v.array(text), v.minLength(1, INPUT), v.maxLength(MAX_INPUTS, INPUT))],
    INPUT,
  ),
  encoding_format: v.nullish(
    v.picklist(['float', 'base64'], 'must be "float" or "base64"'),
    'float',
  ),
  dimensions: v.nullish(v.pipe(v.number('must be a number'), v.integer('must be an integer'))),
  /** The caller's own label; it changes nothing. */
  user: v.nullish(v.string()),
});

export const embeddings = new Hono<AppEnv>();

embeddings.post('/', async function createEmbeddings(c) {
  const body = await readBody(c, embeddingsBody);
  const embedder = await embedderOf(c.env);
  if (!embedder) throw unavailable(await reasonFor(c.env));
  if (body.model !== embedder.id) {
    throw notFound(`no embedding model "${body.model}": use "${embedder.id}"`, 'model');
  }
  const { dimensions } = body;
  if (dimensions != null && dimensions !== embedder.dimensions) {
    throw invalid(
      'dimensions',
      `dimensions: ${embedder.id} has ${embedder.dimensions}: send that, or leave it out`,
    );
  }
  const texts = typeof body.input === 'string' ? [body.input] : body.input;
  if (texts.reduce((total, { length }) => total + length, 0) > MAX_INPUT_TOTAL) {
    throw invalid('input', `input: at most ${MAX_INPUT_TOTAL} characters together: send fewer`);
  }
  const made = await embedder.embed(texts);
  const tokens = made.reduce((total, embedding) => total + embedding.tokens, 0);
  return c.json({
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

/** Little-endian float32, as OpenAI sends them. */
function base64(vector: Float32Array): string {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  return btoa(String.fromCharCode(...bytes));
}

/** Why there is no embedder. */
async function reasonFor(env: Bindings): Promise<string> {
  const state = await embedderState(env);
  return state.state === 'failed'
    ? `the embedder can't be had: ${state.reason}`
    : 'this worker has no embedder: set EMBEDDER to "bundled"';
}

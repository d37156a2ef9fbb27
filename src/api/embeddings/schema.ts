/** What /v1/embeddings takes. */
import * as v from 'valibot';

const MAX_INPUTS = 256;
/** Of one text, in UTF-16 code units. */
const MAX_INPUT = 32_768;
/** Of all texts of a request. */
export const MAX_INPUT_TOTAL = 1_048_576;

const INPUT = `must be a text or 1 to ${MAX_INPUTS} of them; token ids are not supported`;
const text = v.pipe(
  v.string(INPUT),
  v.minLength(1, 'must not be empty'),
  v.maxLength(MAX_INPUT, `at most ${MAX_INPUT} characters a text: split it`),
);

export const embeddingsRequest = v.pipe(
  v.strictObject({
    model: v.pipe(
      v.string('must be a string'),
      v.description(
        '`espalier-embed-1`, or the [embedder that is configured](storage.md#which-embedders-are-there).',
      ),
    ),
    input: v.pipe(
      v.union(
        [text, v.pipe(v.array(text), v.minLength(1, INPUT), v.maxLength(MAX_INPUTS, INPUT))],
        INPUT,
      ),
      v.description(
        `A text, or several, of ${MAX_INPUT_TOTAL.toLocaleString('en')} characters together.`,
      ),
    ),
    encoding_format: v.pipe(
      v.nullish(v.picklist(['float', 'base64'], 'must be "float" or "base64"'), 'float'),
      v.description('Numbers, or base64 of little-endian float32.'),
    ),
    dimensions: v.pipe(
      v.nullish(v.pipe(v.number('must be a number'), v.integer('must be an integer'))),
      v.description('What the embedder has, or left out.'),
    ),
    user: v.pipe(
      v.nullish(v.string()),
      v.description('The caller’s own label. It changes nothing.'),
    ),
  }),
  v.title('EmbeddingsRequest'),
);

/** What /v1/embeddings takes. */
import * as v from 'valibot';

const MAX_INPUTS = 256;
/** Of one text, in UTF-16 code units. */
const MAX_INPUT = 32_768;
/** Of all texts of a request. */
export const MAX_INPUT_TOTAL = 1_048_576;

const INPUT = `must be a text, a list of token ids, or a list of 1 to ${MAX_INPUTS} of either`;
const text = v.pipe(
  v.string(INPUT),
  v.minLength(1, 'must not be empty'),
  v.maxLength(MAX_INPUT, `at most ${MAX_INPUT} characters a text: split it`),
);

const ids = v.pipe(
  v.array(v.pipe(v.number(INPUT), v.integer(INPUT), v.minValue(0, INPUT)), INPUT),
  v.minLength(1, 'must not be empty'),
  v.maxLength(MAX_INPUT, `at most ${MAX_INPUT} token ids a text: split it`),
);
const several = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(v.array(item, INPUT), v.minLength(1, INPUT), v.maxLength(MAX_INPUTS, INPUT));

/** What other servers make a different vector for. */
const purpose = v.pipe(
  v.nullish(v.never('is not supported, as it would change the vector: leave it out')),
  v.description('Not supported: a text has one vector.'),
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
      v.union([text, several(text), ids, several(ids)], INPUT),
      v.description(
        `A text or several, of ${MAX_INPUT_TOTAL.toLocaleString('en')} characters together; or lists of ids of the embedder’s own tokenizer, as many together.`,
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
    input_type: purpose,
    task: purpose,
    task_type: purpose,
    prompt_name: purpose,
    instruction: purpose,
    user: v.pipe(
      v.nullish(v.unknown()),
      v.description('Accepted and not used: the caller’s own label.'),
    ),
  }),
  v.title('EmbeddingsRequest'),
);

/** Texts, or lists of token ids: one a vector. */
export type EmbeddingsInput = string[] | number[][];

/** What is to be embedded, in a list even where the request has one alone. */
export function inputsOf({ input }: v.InferOutput<typeof embeddingsRequest>): EmbeddingsInput {
  if (typeof input === 'string') return [input];
  return typeof input[0] === 'number' ? [input as number[]] : (input as EmbeddingsInput);
}

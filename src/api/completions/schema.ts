/**
 * The body of POST /v1/completions, OpenAI's older form: a prompt that is
 * continued as it is. What is honoured, refused and ignored is as in chat.
 */
import * as v from 'valibot';
import { storeIds } from '../answers/file-search-tool.ts';
import {
  integer,
  labels,
  logitFields,
  MAX_CHOICES,
  MAX_TOKENS,
  model,
  sampling,
  stop,
  stream,
  streamOptions,
} from '../answers/request-fields.ts';
import { speculation } from '../answers/speculation-fields.ts';
import { unsupportedBeside } from '../answers/unsupported-fields.ts';

/** Tokens of a choice when the request doesn't say; OpenAI's. */
const DEFAULT_MAX_TOKENS = 16;

/** OpenAI's for this form. */
const MAX_COMPLETION_LOGPROBS = 5;

const PROMPT = `must be a text, a list of token ids, or a list of up to ${MAX_CHOICES} of either`;
const text = v.string(PROMPT);
const ids = v.array(v.pipe(v.number(PROMPT), v.integer(PROMPT), v.minValue(0, PROMPT)), PROMPT);
const several = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(v.array(item, PROMPT), v.minLength(1, PROMPT), v.maxLength(MAX_CHOICES, PROMPT));

const fields = {
  prompt: v.pipe(
    v.union([text, several(text), ids, several(ids)], PROMPT),
    v.description('What is continued, as it is: a text, token ids, or several of either.'),
  ),
  max_tokens: v.pipe(
    v.nullish(integer(1, MAX_TOKENS), DEFAULT_MAX_TOKENS),
    v.description('The most tokens of a choice; 16 with `suggest`.'),
  ),
  n: v.pipe(
    v.nullish(integer(1, MAX_CHOICES), 1),
    v.description(
      `Choices of each prompt; prompts times \`n\` are at most ${MAX_CHOICES}. All begin before the first byte, or none. Choice *i* draws with \`seed\` + *i*.`,
    ),
  ),
  best_of: v.pipe(
    v.nullish(integer(1, MAX_CHOICES)),
    v.description('Choices are not ranked: the same as `n`, or left out.'),
  ),
  echo: v.pipe(
    v.nullish(v.boolean('must be true or false'), false),
    v.description('Whether each text begins with its prompt. Not beside `logprobs`.'),
  ),
  logprobs: v.pipe(
    v.nullish(integer(0, MAX_COMPLETION_LOGPROBS)),
    v.description(
      'How many of the likeliest tokens are reported in each place, beside the one drawn, as lists side by side: `tokens`, `token_logprobs`, `top_logprobs` (`null` at 0), `text_offset` in UTF-16 code units. Their numbers are [as in chat](#what-do-log-probabilities-mean).',
    ),
  ),
  suggest: v.pipe(
    v.nullish(v.boolean('must be true or false'), false),
    v.description(
      '[Short suggestions](#how-do-i-get-short-suggestions) by the draft model, in place of the target’s answer.',
    ),
  ),
  vector_store_ids: v.pipe(
    v.nullish(storeIds),
    v.description(
      'Stores whose text is drafted from; nothing of them enters the prompt. The store called `demo` if left out.',
    ),
  ),
  model,
  stream,
  stream_options: streamOptions,
  ...sampling,
  stop,
  ...logitFields,
  speculation,
  ...labels,
};

export const completionRequestSchema = v.pipe(
  v.strictObject({ ...fields, ...unsupportedBeside(fields) }),
  v.title('CompletionRequest'),
);

export type CompletionRequest = v.InferOutput<typeof completionRequestSchema>;

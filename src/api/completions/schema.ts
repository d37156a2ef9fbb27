/**
 * The body of POST /v1/completions, OpenAI's older form: a prompt that is
 * continued as it is. A field is either honoured or refused by name.
 */
import * as v from 'valibot';
import type { ModelRecord } from '../../model/record.ts';
import { storeIds } from '../answers/file-search-tool.ts';
import {
  integer,
  labels,
  logitBias,
  MAX_CHOICES,
  MAX_TOKENS,
  number,
  penalty,
  seed,
  shape,
  speculationSchema,
  stop,
  streamOptions,
} from '../answers/request-fields.ts';
import { invalid, type Path } from '../errors.ts';

/** Tokens of a choice when the request doesn't say; OpenAI's. */
const DEFAULT_MAX_TOKENS = 16;

/** OpenAI's for this form. */
const MAX_COMPLETION_LOGPROBS = 5;

const PROMPT = `must be a text, a list of token ids, or a list of up to ${MAX_CHOICES} of either`;
const text = v.string(PROMPT);
const ids = v.array(v.pipe(v.number(PROMPT), v.integer(PROMPT), v.minValue(0, PROMPT)), PROMPT);
const several = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(v.array(item, PROMPT), v.minLength(1, PROMPT), v.maxLength(MAX_CHOICES, PROMPT));

export const completionRequestSchema = v.strictObject(
  {
    model: v.optional(v.string('must be a string')),
    prompt: v.union([text, several(text), ids, several(ids)], PROMPT),
    max_tokens: v.nullish(integer(1, MAX_TOKENS), DEFAULT_MAX_TOKENS),
    /** Ours: short suggestions by the draft model, in place of the target's answer. */
    suggest: v.nullish(v.boolean('must be true or false'), false),
    /** Begins each text with its prompt. */
    echo: v.nullish(v.boolean('must be true or false'), false),
    stream: v.nullish(v.boolean('must be true or false'), false),
    stream_options: streamOptions,
    temperature: v.nullish(number(0, 2)),
    top_p: v.nullish(number(0, 1)),
    /** Ours, as in vLLM: 0 keeps all. */
    top_k: v.nullish(integer(0, 1 << 20)),
    seed,
    stop,
    n: v.nullish(integer(1, MAX_CHOICES), 1),
    /** Choices are not ranked: as many are drawn as are given back. */
    best_of: v.nullish(integer(1, MAX_CHOICES)),
    suffix: v.nullish(v.literal('', 'is not supported: the model only continues, leave it out')),
    frequency_penalty: penalty,
    presence_penalty: penalty,
    /** How many of the likeliest tokens are told in each place, beside the one that was drawn. */
    logprobs: v.nullish(integer(0, MAX_COMPLETION_LOGPROBS)),
    logit_bias: logitBias,
    ...labels,
    /** Stores whose text is drafted from; nothing of them enters the prompt. */
    vector_store_ids: v.nullish(storeIds),
    speculation: v.optional(speculationSchema, {}),
  },
  shape,
);

export type CompletionRequest = v.InferOutput<typeof completionRequestSchema>;

/** A prompt to be continued. */
export interface RawPrompt {
  text: string;
  tokens: Int32Array;
}

/** The prompts of a request, tokenized or checked. Throws the `ApiFailure` that names what is wrong. */
export function promptsOf({ prompt }: CompletionRequest, model: ModelRecord): RawPrompt[] {
  if (typeof prompt === 'string') return [fromText(prompt, ['prompt'], model)];
  const [first] = prompt;
  if (typeof first === 'number' || first === undefined) {
    return [fromIds(prompt as number[], ['prompt'], model)];
  }
  return (prompt as (string | number[])[]).map((one, i) => {
    const path = ['prompt', i];
    return typeof one === 'string' ? fromText(one, path, model) : fromIds(one, path, model);
  });
}

/** What the fields say together. Throws the `ApiFailure` that names what is wrong. */
export function requireConsistent(
  { best_of, echo, logprobs, n, speculation }: CompletionRequest,
  prompts: number,
) {
  if (echo && logprobs != null) {
    throw invalid(['echo'], 'not beside logprobs: the tokens of a prompt are not scored');
  }
  if (best_of != null && best_of !== n) {
    throw invalid(['best_of'], `choices are not ranked: send n, ${n}, or leave it out`);
  }
  if (prompts * n > MAX_CHOICES) {
    throw invalid(['n'], `${prompts} prompts times ${n}; at most ${MAX_CHOICES} choices together`);
  }
  if (speculation.trace) {
    throw invalid(['speculation', 'trace'], 'only /v1/chat/completions traces');
  }
}

function fromText(text: string, path: Path, model: ModelRecord): RawPrompt {
  const tokens = model.encodePrompt(text);
  if (tokens.length === 0) throw invalid(path, 'is empty: send some text');
  return { text, tokens };
}

function fromIds(ids: readonly number[], path: Path, model: ModelRecord): RawPrompt {
  if (ids.length === 0) throw invalid(path, 'is empty: send some tokens');
  const strange = ids.find((id) => !model.hasToken(id));
  if (strange !== undefined) {
    throw invalid(path, `${strange} is no token of "${model.id}"`);
  }
  const text = model.tokenizer.decode([...ids], { skip_special_tokens: false });
  return { text, tokens: Int32Array.from(ids) };
}

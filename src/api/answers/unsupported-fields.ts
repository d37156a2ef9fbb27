/**
 * Fields of OpenAI's API and of other servers that would change an answer and that
 * are not supported, in one table: each is refused by name unless it asks for nothing.
 * What is neither here nor in a schema is a hint (body/fields.ts).
 */
import * as v from 'valibot';

type Json = string | number | boolean | readonly Json[];

interface Unsupported {
  /** Values that ask for nothing, beside `null`. */
  nothing?: readonly Json[];
  /** What to do without it, or why there is no need. */
  instead: string;
}

const SAMPLING: Unsupported = {
  instead: 'tokens are drawn by temperature, top_p, top_k and min_p',
};
const FORMAT: Unsupported = { instead: 'send response_format' };
const LENGTH: Unsupported = { instead: 'send max_tokens and stop' };
const TEMPLATE: Unsupported = { instead: 'the model’s own chat template is used' };
const REASONING: Unsupported = { instead: 'send reasoning_effort or chat_template_kwargs' };
const SEARCH: Unsupported = { instead: 'only the caller’s documents are searched' };
const TEXT: Unsupported = { instead: 'answers are text' };
const MODELS: Unsupported = { instead: 'one model is served' };
const KEPT: Unsupported = { instead: 'responses are not kept: send what came before' };

const UNSUPPORTED_FIELDS = {
  audio: TEXT,
  modalities: { ...TEXT, nothing: [['text']] },
  functions: { instead: 'send tools', nothing: [[]] },
  function_call: { instead: 'send tool_choice', nothing: ['none', 'auto'] },
  web_search_options: SEARCH,
  search_parameters: SEARCH,
  plugins: SEARCH,
  images: TEXT,
  reasoning_effort: REASONING,
  reasoning: REASONING,
  prompt_mode: REASONING,
  thinking: REASONING,
  enable_thinking: REASONING,
  include_reasoning: { instead: 'reasoning is always returned separately', nothing: [true] },
  verbosity: { instead: 'say in a message how long the answer is to be', nothing: ['medium'] },
  top_a: { ...SAMPLING, nothing: [0] },
  typical_p: { ...SAMPLING, nothing: [1] },
  repeat_penalty: { instead: 'send repetition_penalty', nothing: [1] },
  mirostat: { ...SAMPLING, nothing: [0] },
  do_sample: SAMPLING,
  num_beams: { ...SAMPLING, nothing: [1] },
  logits_processors: SAMPLING,
  options: { instead: 'send temperature, seed and max_tokens as fields' },
  random_seed: { instead: 'send seed' },
  use_beam_search: { ...SAMPLING, nothing: [false] },
  best_of: { instead: 'choices are not ranked: send n', nothing: [1] },
  length_penalty: { ...SAMPLING, nothing: [1] },
  min_tokens: { ...LENGTH, nothing: [0] },
  max_output_tokens: LENGTH,
  max_completion_tokens: LENGTH,
  max_tokens: { instead: 'send max_output_tokens' },
  num_predict: LENGTH,
  stop: { instead: 'send it to /v1/chat/completions' },
  stop_sequences: { instead: 'send stop' },
  stop_token_ids: { instead: 'send stop', nothing: [[]] },
  ignore_eos: { ...LENGTH, nothing: [false] },
  bad_words: { instead: 'send logit_bias', nothing: [[]] },
  allowed_token_ids: { instead: 'send logit_bias' },
  frequency_penalty: { instead: 'send it to /v1/chat/completions', nothing: [0] },
  presence_penalty: { instead: 'send it to /v1/chat/completions', nothing: [0] },
  logit_bias: { instead: 'send it to /v1/chat/completions' },
  logprobs: { instead: 'send include', nothing: [false] },
  top_logprobs: { instead: 'send logprobs', nothing: [0] },
  prompt_logprobs: { instead: 'the tokens of a prompt are not scored' },
  n: { instead: 'send it to /v1/chat/completions', nothing: [1] },
  guided_json: FORMAT,
  guided_regex: FORMAT,
  guided_choice: FORMAT,
  guided_grammar: FORMAT,
  structured_outputs: FORMAT,
  grammar: FORMAT,
  json_schema: FORMAT,
  format: FORMAT,
  response_format: {
    instead: 'send text.format to /v1/responses, or this to /v1/chat/completions',
  },
  chat_template: TEMPLATE,
  template: TEMPLATE,
  safe_prompt: { ...TEMPLATE, nothing: [false] },
  chat_template_kwargs: TEMPLATE,
  add_generation_prompt: { ...TEMPLATE, nothing: [true] },
  continue_final_message: { instead: 'send the prompt to /v1/completions', nothing: [false] },
  echo: { instead: 'send it to /v1/completions', nothing: [false] },
  suffix: { instead: 'the model only continues', nothing: [''] },
  documents: { instead: 'send file_ids or vector_store_ids' },
  messages: { instead: 'send it to /v1/chat/completions' },
  input: { instead: 'send it to /v1/responses' },
  system: { instead: 'send a message of the system' },
  instructions: { instead: 'send a message of the system' },
  prediction: { instead: 'send it to /v1/chat/completions' },
  prompt: { instead: 'send it to /v1/completions' },
  tools: { instead: 'send it to /v1/chat/completions', nothing: [[]] },
  tool_choice: { instead: 'send it to /v1/chat/completions', nothing: ['none', 'auto'] },
  file_ids: { instead: 'send it to /v1/chat/completions', nothing: [[]] },
  context: { instead: 'send it to /v1/chat/completions' },
  max_tool_calls: { instead: 'send parallel_tool_calls' },
  models: MODELS,
  lora: MODELS,
  adapter: MODELS,
  route: MODELS,
  transforms: { instead: 'nothing of the messages is left out', nothing: [[]] },
  truncation: { instead: 'nothing of the input is left out', nothing: ['disabled'] },
  background: { instead: 'answers come as they are made', nothing: [false] },
  conversation: KEPT,
  previous_response_id: KEPT,
  store: { ...KEPT, nothing: [false] },
} as const satisfies Record<string, Unsupported>;

type Name = keyof typeof UNSUPPORTED_FIELDS;

/** The field's entry in a schema: it takes what asks for nothing and refuses anything else. */
export function unsupported(name: Name) {
  const { instead, nothing = [] }: Unsupported = UNSUPPORTED_FIELDS[name];
  const values = nothing.map((value) => JSON.stringify(value));
  const take = ['leave it out', ...values.map((value) => `send ${value}`)].join(', or ');
  return v.pipe(
    v.nullish(
      v.pipe(
        v.unknown(),
        v.check(
          (value) => nothing.some((one) => isSame(one, value)),
          `is not supported, as it would change the answer: ${take} (${instead})`,
        ),
        v.metadata(nothing.length > 0 ? { enum: nothing } : { not: {} }),
      ),
    ),
    v.description(`Not supported: ${instead}.`),
  );
}

/** @param one a value, or a list of values */
function isSame(one: Json, value: unknown): boolean {
  if (!Array.isArray(one)) return one === value;
  return (
    Array.isArray(value) && value.length === one.length && value.every((item, i) => item === one[i])
  );
}

/** Entries for those of the table that a request has no field for. They add nothing to its type. */
export function unsupportedBeside(entries: object): object {
  const names = (Object.keys(UNSUPPORTED_FIELDS) as Name[]).filter((name) => !(name in entries));
  return Object.fromEntries(names.map((name) => [name, unsupported(name)]));
}

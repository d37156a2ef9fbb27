/** Chat, told to those who call it. */
import * as v from 'valibot';
import { SOURCE_NAMES } from '../../draft/source.ts';
import { chatRequestSchema } from '../chat-request.ts';
import { speculationSchema } from '../request-fields.ts';
import { JSON_TYPE, type Resource } from './operation.ts';
import { count, errorBody, seconds } from './shared.ts';

type Notes<Schema extends v.GenericSchema> = Record<keyof v.InferInput<Schema>, string>;

const citation = v.object({
  type: v.literal('file_citation'),
  index: count,
  file_id: v.string(),
  filename: v.string(),
  title: v.string(),
  heading: v.string(),
  start: count,
  end: count,
});

const speculationUsage = v.object({
  steps: count,
  drafted: count,
  accepted: count,
  mean_accepted: v.number(),
  by_source: v.partial(v.object(Object.fromEntries(SOURCE_NAMES.map((name) => [name, count])))),
  draft_model: v.nullable(
    v.object({ state: v.string(), passes: count, spent_ms: v.number(), saved_ms: v.number() }),
  ),
  lossy: v.optional(v.string()),
});

const usage = v.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: v.object({ cached_tokens: count }),
  speculation: v.optional(speculationUsage),
});

const passage = v.object({
  index: count,
  id: v.number(),
  file_id: v.string(),
  filename: v.string(),
  title: v.string(),
  heading: v.string(),
  text: v.string(),
  score: v.number(),
  start: count,
  end: count,
});

const trace = v.partial(
  v.object({
    passages: v.array(passage),
    tokens: v.array(v.object({ text: v.string(), source: v.picklist(SOURCE_NAMES) })),
    steps: v.array(v.object({ accepted: count, drafted: count, micros: v.number() })),
  }),
);

const finishReason = v.picklist(['stop', 'length']);
const head = { id: v.string(), created: seconds, model: v.string() };

const completion = v.object({
  ...head,
  object: v.literal('chat.completion'),
  choices: v.array(
    v.object({
      index: count,
      message: v.object({
        role: v.literal('assistant'),
        content: v.string(),
        refusal: v.null(),
        annotations: v.array(citation),
      }),
      logprobs: v.null(),
      finish_reason: finishReason,
    }),
  ),
  usage,
  espalier: v.optional(trace),
});

const chunk = v.object({
  ...head,
  object: v.literal('chat.completion.chunk'),
  choices: v.array(
    v.object({
      index: count,
      delta: v.partial(
        v.object({
          role: v.literal('assistant'),
          content: v.string(),
          annotations: v.array(citation),
        }),
      ),
      logprobs: v.null(),
      finish_reason: v.nullable(finishReason),
    }),
  ),
  usage: v.optional(usage),
  espalier: v.optional(trace),
});

const event = v.union([chunk, errorBody]);

const requestNotes: Notes<typeof chatRequestSchema> = {
  model: 'The model that is served; may be left out.',
  messages: 'The conversation. The last one of a user is what the documents are searched for.',
  stream: 'Answers as server-sent events.',
  stream_options: 'With `include_usage` the last chunk tells the usage.',
  max_tokens: 'The most tokens of the answer; 256 if neither this nor the next one is given.',
  max_completion_tokens: 'The same under its newer name, which wins.',
  temperature: 'The model’s own if left out. 0 takes the likeliest token.',
  top_p: 'Draws from the likeliest tokens that together have this probability.',
  top_k: 'Draws from so many of the likeliest tokens; 0 for all.',
  seed: 'The same seed gives the same text, with and without drafting.',
  stop: 'Ends the answer before the first of these.',
  n: 'How many answers.',
  frequency_penalty: 'Not supported.',
  presence_penalty: 'Not supported.',
  logprobs: 'Not supported.',
  top_logprobs: 'Not supported.',
  store: 'Nothing is kept for distillation.',
  tool_choice: 'Not supported.',
  tools: 'One `file_search`: which stores to answer from, and how they are searched.',
  logit_bias: 'Not supported.',
  response_format: 'Not supported.',
  user: 'A label of the caller’s own. It changes nothing.',
  metadata: 'Labels of the caller’s own. They change nothing.',
  vector_store_ids: 'Stores to answer from, `[]` for none; the store called `demo` if left out.',
  speculation: 'How the answer is drafted, and what is told about it.',
};

const speculationNotes: Notes<typeof speculationSchema> = {
  mode: '`on` drafts, `off` does not; the others are for comparison.',
  budget: 'The most nodes of a draft tree.',
  memory: '`false`: nothing is drafted from earlier answers, and nothing kept of this one.',
  recycle: 'Drafts from the target’s guesses at every verified token too.',
  transfer:
    'How much the draft model moves the target. Above 0 the text is no longer the target’s own.',
  draft_model: 'Whether the draft model in the worker takes part.',
  stats: 'Adds `usage.speculation`.',
  trace: 'Adds `espalier`: passages, tokens with their sources, steps.',
};

export const chatResource: Resource = {
  components: {
    ChatRequest: { schema: chatRequestSchema, notes: requestNotes },
    Speculation: { schema: speculationSchema, notes: speculationNotes },
    ChatCompletion: { schema: completion },
    ChatCompletionChunk: { schema: chunk },
    ChatEvent: { schema: event },
    Usage: {
      schema: usage,
      notes: { prompt_tokens_details: 'Of the prompt, what the verifier had in its cache.' },
    },
    SpeculationUsage: {
      schema: speculationUsage,
      notes: {
        steps: 'Forward passes of the target after prefill.',
        drafted: 'Candidate tokens verified.',
        accepted: 'Of them, tokens accepted.',
        mean_accepted: 'Tokens committed per step, the target’s own included.',
        by_source: 'Tokens committed by what proposed them.',
        lossy: 'What moved the answer away from the target’s own, if anything did.',
      },
    },
    Citation: {
      schema: citation,
      notes: {
        index: 'Where the quote ends in the answer, in UTF-16 code units.',
        start: 'Where the passage begins in the file’s text.',
      },
    },
    Passage: { schema: passage },
    Trace: { schema: trace },
  },
  operations: [
    {
      method: 'post',
      path: '/v1/chat/completions',
      id: 'createChatCompletion',
      tag: 'Chat',
      summary: 'Answers from the documents, whole or as a stream',
      description:
        'A stream’s events are chunks, then `[DONE]`. One that fails half way ends with an error in place of a chunk.',
      scopes: ['chat'],
      body: chatRequestSchema,
      answers: { [JSON_TYPE]: completion, 'text/event-stream': event },
      needsVerifier: true,
    },
  ],
};

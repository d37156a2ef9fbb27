/** Chat, told to those who call it. */
import * as v from 'valibot';
import { SOURCE_NAMES } from '../../draft/source.ts';
import { chatRequestSchema } from '../chat/schema.ts';
import { answerNotes, head, usage } from './answers.ts';
import { JSON_TYPE, type Notes, type Resource } from './operation.ts';
import { count, errorBody } from './shared.ts';

export const citation = v.object({
  type: v.literal('file_citation'),
  index: count,
  file_id: v.string(),
  filename: v.string(),
  title: v.string(),
  heading: v.string(),
  start: count,
  end: count,
});

const passage = v.object({
  index: count,
  id: v.nullable(v.number()),
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

const tokenLogprob = v.object({
  token: v.string(),
  logprob: v.number(),
  bytes: v.nullable(v.array(count)),
});

export const tokenLogprobs = v.array(
  v.object({ ...tokenLogprob.entries, top_logprobs: v.array(tokenLogprob) }),
);

const logprobs = v.object({ content: tokenLogprobs, refusal: v.null() });

const toolCall = v.object({
  id: v.string(),
  type: v.literal('function'),
  function: v.object({ name: v.string(), arguments: v.string() }),
});

/** The first of a call has its id and name, the others more of its arguments. */
const toolCallDelta = v.object({
  index: count,
  id: v.optional(v.string()),
  type: v.optional(v.literal('function')),
  function: v.object({ name: v.optional(v.string()), arguments: v.string() }),
});

const chatFinish = v.picklist(['stop', 'length', 'tool_calls']);

const completion = v.object({
  ...head,
  object: v.literal('chat.completion'),
  choices: v.array(
    v.object({
      index: count,
      message: v.object({
        role: v.literal('assistant'),
        /** null beside calls. */
        content: v.nullable(v.string()),
        refusal: v.null(),
        tool_calls: v.optional(v.array(toolCall)),
        annotations: v.array(citation),
      }),
      logprobs: v.nullable(logprobs),
      finish_reason: chatFinish,
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
          tool_calls: v.array(toolCallDelta),
          annotations: v.array(citation),
        }),
      ),
      logprobs: v.nullable(logprobs),
      finish_reason: v.nullable(chatFinish),
    }),
  ),
  usage: v.optional(usage),
  espalier: v.optional(trace),
});

const event = v.union([chunk, errorBody]);

const requestNotes: Notes<typeof chatRequestSchema> = {
  ...answerNotes,
  messages: 'The conversation. The last one of a user is what the documents are searched for.',
  max_tokens: 'The most tokens of the answer; 256 if neither this nor the next one is given.',
  max_completion_tokens: 'The same under its newer name, which wins.',
  n: 'How many answers, side by side.',
  prediction: 'Text that the answer is expected to have. It is drafted from and changes nothing.',
  logprobs: 'Tells the log-probability of each token, under the model’s own distribution.',
  top_logprobs: 'How many of the likeliest tokens are told in each place.',
  store: 'Nothing is kept for distillation.',
  tool_choice:
    'Whether a function is called: at the model’s choice, one at least, a certain one, or none.',
  parallel_tool_calls: 'Whether one answer may call several times; it may if left out.',
  tools:
    'Functions to call, and one `file_search`: which stores to answer from, and how they are searched.',
  response_format: 'What the text must be: anything, a JSON object, or valid under a JSON Schema.',
  vector_store_ids: 'Stores to answer from, `[]` for none; the store called `demo` if left out.',
  file_ids: 'Uploaded files to answer from, beside those in messages.',
  service_tier: 'There is one: `auto`, or left out.',
  context: 'What the model reads of these files: the passages that match, or everything.',
};

export const chatResource: Resource = {
  components: {
    ChatRequest: { schema: chatRequestSchema, notes: requestNotes },
    ChatCompletion: { schema: completion },
    ChatCompletionChunk: { schema: chunk },
    ChatEvent: { schema: event },
    Citation: {
      schema: citation,
      notes: {
        index: 'Where the quote ends in the answer, in UTF-16 code units.',
        start: 'Where the passage begins in the file’s text.',
      },
    },
    Passage: { schema: passage },
    TokenLogprob: {
      schema: tokenLogprob,
      notes: { bytes: 'UTF-8; a token may hold half a character. `null` for a special token.' },
    },
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

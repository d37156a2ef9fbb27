/** Chat, told to those who call it. */
import * as v from 'valibot';
import { SOURCE_NAMES } from '../../draft/source.ts';
import { chatRequestSchema } from '../chat/schema.ts';
import { head, usage } from './answers.ts';
import { JSON_TYPE, type Resource } from './operation.ts';
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

export const chatResource: Resource = {
  components: {
    ChatRequest: { schema: chatRequestSchema },
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

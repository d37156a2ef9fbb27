/** What /v1/chat/completions answers, whole and in a stream. */
import * as v from 'valibot';
import { SOURCE_NAMES } from '../../draft/source.ts';
import { citation, head, tokenLogprobs, usage } from '../answers/wire.ts';
import { count, errorBody } from '../wire.ts';

const passage = v.pipe(
  v.object({
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
  }),
  v.title('Passage'),
);

const trace = v.pipe(
  v.partial(
    v.object({
      passages: v.pipe(v.array(passage), v.description('The passages in the prompt.')),
      prompt_read: v.pipe(
        v.object({ tokens: count, of: count }),
        v.description(
          'While the model reads a long prompt, about once a second: tokens of it that are read.',
        ),
      ),
      tokens: v.pipe(
        v.array(
          v.object({
            text: v.string(),
            source: v.picklist(SOURCE_NAMES),
            thought: v.optional(v.literal(true)),
          }),
        ),
        v.description(
          'Each token’s text, and what proposed it; `thought` where it is of the reasoning.',
        ),
      ),
      steps: v.pipe(
        v.array(v.object({ accepted: count, drafted: count, micros: v.number() })),
        v.description('Each step: tokens committed, candidates verified, microseconds.'),
      ),
    }),
  ),
  v.title('Trace'),
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

export const chatCompletion = v.pipe(
  v.object({
    ...head,
    object: v.literal('chat.completion'),
    choices: v.array(
      v.object({
        index: count,
        message: v.object({
          role: v.literal('assistant'),
          reasoning_content: v.pipe(
            v.optional(v.string()),
            v.description('What the model thought before it answered.'),
          ),
          content: v.pipe(v.nullable(v.string()), v.description('`null` beside calls.')),
          refusal: v.null(),
          tool_calls: v.optional(v.array(toolCall)),
          annotations: v.array(citation),
        }),
        logprobs: v.nullable(logprobs),
        finish_reason: chatFinish,
        rank: v.pipe(
          v.nullish(
            v.object({
              choice: v.pipe(count, v.description('Which of the `n` answers it was.')),
              whole: v.pipe(v.boolean(), v.description('Whether nothing was cut off its code.')),
              score: v.number(),
            }),
          ),
          v.description('With `rank`; `null` where no answer parses, and all are as they were.'),
        ),
      }),
    ),
    usage,
    espalier: v.pipe(v.optional(trace), v.description('With `speculation.trace`.')),
  }),
  v.title('ChatCompletion'),
);

const chunk = v.pipe(
  v.object({
    ...head,
    object: v.literal('chat.completion.chunk'),
    choices: v.array(
      v.object({
        index: count,
        delta: v.partial(
          v.object({
            role: v.literal('assistant'),
            reasoning_content: v.string(),
            content: v.string(),
            tool_calls: v.array(toolCallDelta),
            annotations: v.array(citation),
          }),
        ),
        logprobs: v.nullable(logprobs),
        finish_reason: v.nullable(chatFinish),
      }),
    ),
    usage: v.pipe(
      v.nullish(usage),
      v.description(
        'With `stream_options.include_usage`: in the last chunk, `null` in the others.',
      ),
    ),
    espalier: v.pipe(v.optional(trace), v.description('With `speculation.trace`.')),
  }),
  v.title('ChatCompletionChunk'),
);

export const chatEvent = v.pipe(v.union([chunk, errorBody]), v.title('ChatEvent'));

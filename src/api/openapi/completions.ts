/** Completions, told to those who call them. */
import * as v from 'valibot';
import { completionRequestSchema } from '../completions/schema.ts';
import { finishReason, head, usage } from './answers.ts';
import { JSON_TYPE, type Resource } from './operation.ts';
import { count, errorBody } from './shared.ts';

const logprobs = v.object({
  tokens: v.array(v.string()),
  token_logprobs: v.array(v.number()),
  top_logprobs: v.nullable(v.array(v.record(v.string(), v.number()))),
  text_offset: v.array(count),
});

const choice = { text: v.string(), index: count, logprobs: v.nullable(logprobs) };

const completion = v.object({
  ...head,
  object: v.literal('text_completion'),
  suggestion: v.optional(v.literal(true)),
  choices: v.array(v.object({ ...choice, finish_reason: finishReason })),
  usage,
});

const chunk = v.object({
  ...head,
  object: v.literal('text_completion'),
  choices: v.array(v.object({ ...choice, finish_reason: v.nullable(finishReason) })),
  usage: v.optional(usage),
});

const event = v.union([chunk, errorBody]);

export const completionsResource: Resource = {
  components: {
    CompletionRequest: { schema: completionRequestSchema },
    Completion: { schema: completion },
    CompletionChunk: { schema: chunk },
    CompletionEvent: { schema: event },
  },
  operations: [
    {
      method: 'post',
      path: '/v1/completions',
      id: 'createCompletion',
      tag: 'Completions',
      summary: 'Continues prompts as they are, whole or as a stream',
      description: 'A stream’s events are chunks, then `[DONE]`.',
      scopes: ['chat'],
      body: completionRequestSchema,
      answers: { [JSON_TYPE]: completion, 'text/event-stream': event },
      needsVerifier: true,
    },
  ],
};

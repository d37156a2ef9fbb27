/** What /v1/completions answers, whole and in a stream. */
import * as v from 'valibot';
import { head, usage } from '../answers/wire.ts';
import { count, errorBody } from '../wire.ts';

const logprobs = v.object({
  tokens: v.array(v.string()),
  token_logprobs: v.array(v.number()),
  top_logprobs: v.nullable(v.array(v.record(v.string(), v.number()))),
  text_offset: v.pipe(v.array(count), v.description('In UTF-16 code units.')),
});

const finishReason = v.picklist(['stop', 'length']);

const choice = { text: v.string(), index: count, logprobs: v.nullable(logprobs) };

export const completion = v.pipe(
  v.object({
    ...head,
    object: v.literal('text_completion'),
    suggestion: v.pipe(
      v.optional(v.literal(true)),
      v.description('With `suggest`: the text is the draft model’s.'),
    ),
    choices: v.array(v.object({ ...choice, finish_reason: finishReason })),
    usage,
  }),
  v.title('Completion'),
);

const chunk = v.pipe(
  v.object({
    ...head,
    object: v.literal('text_completion'),
    choices: v.array(v.object({ ...choice, finish_reason: v.nullable(finishReason) })),
    usage: v.pipe(
      v.nullish(usage),
      v.description(
        'With `stream_options.include_usage`: in the last chunk, `null` in the others.',
      ),
    ),
  }),
  v.title('CompletionChunk'),
);

export const completionEvent = v.pipe(v.union([chunk, errorBody]), v.title('CompletionEvent'));

/**
 * The body of POST /v1/chat/completions. A field that would change the answer is
 * honoured or refused by name; hints are ignored and named in a header.
 */
import * as v from 'valibot';
import { MAX_LOGPROBS } from '../../link/protocol/index.ts';
import { answeringStores } from '../answers/file-search-tool.ts';
import { parallelToolCalls, toolChoice, tools } from '../answers/function-tools.ts';
import { prediction } from '../answers/prediction.ts';
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
import { fileFields, filePart } from '../answers/request-files.ts';
import { identifier, responseFormat } from '../answers/response-format.ts';
import { speculation } from '../answers/speculation-fields.ts';
import { templateFields } from '../answers/template-fields.ts';
import { unsupportedBeside } from '../answers/unsupported-fields.ts';

export const MAX_MESSAGES = 1024;

const textPart = v.strictObject({
  type: v.literal('text', 'only parts of type "text" are supported'),
  text: v.string('must be a string'),
});
const content = v.union(
  [v.string(), v.array(textPart)],
  'must be a string or a list of {"type": "text", "text": …} parts',
);
const refusalPart = v.strictObject({ type: v.literal('refusal'), refusal: v.string() });
const saidContent = v.union(
  [v.string(), v.array(v.variant('type', [textPart, refusalPart]))],
  'must be a string or a list of {"type": "text", "text": …} parts',
);
const PART = 'must be a part of type "text" or "file"';
const userContent = v.union(
  [v.string(), v.array(v.variant('type', [textPart, filePart], PART))],
  'must be a string or a list of {"type": "text", "text": …} and {"type": "file", "file": {"file_id": …}} parts',
);
const name = v.nullish(v.string('must be a string'));
const CONTINUED = 'is not supported: send the prompt to /v1/completions';
const toolCall = v.strictObject({
  id: v.string('must be a string'),
  type: v.literal('function', 'only calls of type "function" are supported'),
  function: v.strictObject({
    name: identifier,
    arguments: v.string('must be a string of JSON'),
    parsed_arguments: v.optional(v.unknown()),
  }),
});
const message = v.variant(
  'role',
  [
    v.strictObject({
      role: v.literal('assistant'),
      content: v.nullish(saidContent),
      /** What it thought, under the names that servers give it. */
      reasoning_content: v.nullish(v.string('must be a string')),
      reasoning: v.nullish(v.string('must be a string')),
      refusal: v.nullish(v.string('must be a string')),
      /** As an answer had them, or an SDK made of them: they come back as they are. */
      annotations: v.nullish(v.array(v.unknown())),
      parsed: v.optional(v.unknown()),
      audio: v.nullish(v.never('is not supported: send the text of what was said')),
      function_call: v.nullish(v.never('is not supported: send tool_calls')),
      prefix: v.nullish(v.literal(false, CONTINUED)),
      partial: v.nullish(v.literal(false, CONTINUED)),
      tool_calls: v.nullish(
        v.pipe(
          v.array(toolCall, 'must be a list of calls'),
          v.maxLength(MAX_MESSAGES, `must have at most ${MAX_MESSAGES} calls`),
        ),
      ),
      name,
    }),
    v.strictObject({
      role: v.literal('tool'),
      content,
      tool_call_id: v.string('must be a string'),
      name,
    }),
    v.strictObject({ role: v.picklist(['system', 'developer']), content, name }),
    v.strictObject({ role: v.literal('user'), content: userContent, name }),
  ],
  'must be an object with the role "system", "developer", "user", "assistant" or "tool"',
);

const fields = {
  messages: v.pipe(
    v.array(message, 'must be a list of messages'),
    v.minLength(1, 'must have at least one message'),
    v.maxLength(MAX_MESSAGES, `must have at most ${MAX_MESSAGES} messages`),
    v.description(
      'The conversation: text and, in messages of a `user`, files by id. The stores are searched for the last message of a `user`.',
    ),
  ),
  model,
  stream,
  stream_options: streamOptions,
  max_tokens: v.pipe(
    v.nullish(integer(1, MAX_TOKENS)),
    v.description('The most tokens of the answer. 256 if left out.'),
  ),
  max_completion_tokens: v.pipe(
    v.nullish(integer(1, MAX_TOKENS)),
    v.description('The newer name of `max_tokens`. It wins where both are given.'),
  ),
  ...sampling,
  stop,
  n: v.pipe(
    v.nullish(integer(1, MAX_CHOICES), 1),
    v.description('How many [answers side by side](#how-do-i-get-several-answers).'),
  ),
  rank: v.pipe(
    v.nullish(v.literal('code', 'must be "code"')),
    v.description(
      '`code` keeps of `n` answers those whose code parses, cut to what parses, [the best first](#how-do-i-get-code-that-parses).',
    ),
  ),
  ...logitFields,
  logprobs: v.pipe(
    v.nullish(v.boolean('must be true or false'), false),
    v.description(
      'Whether [the log-probability of each token](#what-do-log-probabilities-mean) is reported.',
    ),
  ),
  top_logprobs: v.pipe(
    v.nullish(integer(0, MAX_LOGPROBS)),
    v.description('How many of the likeliest tokens are reported in each place.'),
  ),
  prediction: v.pipe(
    prediction,
    v.description(
      'Text that the answer [is expected to have](#what-is-a-prediction-good-for). It is drafted from and changes nothing.',
    ),
  ),
  response_format: v.pipe(
    responseFormat,
    v.description(
      'What the text must be: anything, a JSON object, or [valid under a JSON Schema](#how-do-i-get-json).',
    ),
  ),
  tools: v.pipe(
    tools,
    v.description(
      '[Functions](#how-does-the-model-call-functions) that the model may call, and at most one `file_search`: which stores to answer from, and how they are searched.',
    ),
  ),
  tool_choice: toolChoice,
  parallel_tool_calls: parallelToolCalls,
  ...templateFields,
  vector_store_ids: answeringStores,
  ...fileFields,
  speculation,
  ...labels,
};

export const chatRequestSchema = v.pipe(
  v.strictObject({ ...fields, ...unsupportedBeside(fields) }),
  v.title('ChatRequest'),
);

export type ChatRequest = v.InferOutput<typeof chatRequestSchema>;

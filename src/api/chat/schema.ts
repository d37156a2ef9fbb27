/**
 * The body of POST /v1/chat/completions. A field is either honoured or refused
 * by name; none is silently ignored.
 */
import * as v from 'valibot';
import { MAX_LOGPROBS } from '../../link/protocol/index.ts';
import type { ChatMessage } from '../../model/tokenizer.ts';
import { storeIds } from '../answers/file-search-tool.ts';
import { toolChoice, tools } from '../answers/function-tools.ts';
import { prediction } from '../answers/prediction.ts';
import {
  integer,
  labels,
  logitBias,
  MAX_CHOICES,
  MAX_TOKENS,
  neutral,
  number,
  penalty,
  seed,
  shape,
  speculationSchema,
  stop,
  streamOptions,
} from '../answers/request-fields.ts';
import { filePart, requestFileIds } from '../answers/request-files.ts';
import { identifier, responseFormat } from '../answers/response-format.ts';
import { invalid } from '../errors.ts';

export const MAX_MESSAGES = 1024;

export const CONTEXTS = ['passages', 'full'] as const;

const textPart = v.strictObject(
  {
    type: v.literal('text', 'only parts of type "text" are supported'),
    text: v.string('must be a string'),
  },
  shape,
);
const content = v.union(
  [v.string(), v.array(textPart)],
  'must be a string or a list of {"type": "text", "text": …} parts',
);
const PART = 'must be a part of type "text" or "file"';
const userContent = v.union(
  [v.string(), v.array(v.variant('type', [textPart, filePart], PART))],
  'must be a string or a list of {"type": "text", "text": …} and {"type": "file", "file": {"file_id": …}} parts',
);
const name = v.optional(v.string('must be a string'));
const toolCall = v.strictObject(
  {
    id: v.string('must be a string'),
    type: v.literal('function', 'only calls of type "function" are supported'),
    function: v.strictObject(
      { name: identifier, arguments: v.string('must be a string of JSON') },
      shape,
    ),
  },
  shape,
);
const message = v.variant(
  'role',
  [
    v.strictObject(
      {
        role: v.literal('assistant'),
        content: v.nullish(content),
        refusal: v.nullish(v.string('must be a string')),
        /** As an answer had them, which comes back as it is. */
        annotations: v.nullish(v.array(v.unknown())),
        tool_calls: v.nullish(
          v.pipe(
            v.array(toolCall, 'must be a list of calls'),
            v.maxLength(MAX_MESSAGES, `must have at most ${MAX_MESSAGES} calls`),
          ),
        ),
        name,
      },
      shape,
    ),
    v.strictObject(
      { role: v.literal('tool'), content, tool_call_id: v.string('must be a string'), name },
      shape,
    ),
    v.strictObject({ role: v.picklist(['system', 'developer']), content, name }, shape),
    v.strictObject({ role: v.literal('user'), content: userContent, name }, shape),
  ],
  'must be an object with the role "system", "developer", "user", "assistant" or "tool"',
);

export const chatRequestSchema = v.strictObject(
  {
    model: v.optional(v.string('must be a string')),
    messages: v.pipe(
      v.array(message, 'must be a list of messages'),
      v.minLength(1, 'must have at least one message'),
      v.maxLength(MAX_MESSAGES, `must have at most ${MAX_MESSAGES} messages`),
    ),
    stream: v.nullish(v.boolean('must be true or false'), false),
    stream_options: streamOptions,
    max_tokens: v.nullish(integer(1, MAX_TOKENS)),
    max_completion_tokens: v.nullish(integer(1, MAX_TOKENS)),
    temperature: v.nullish(number(0, 2)),
    top_p: v.nullish(number(0, 1)),
    /** Ours, as in vLLM: 0 keeps all. */
    top_k: v.nullish(integer(0, 1 << 20)),
    seed,
    stop,
    n: v.nullish(integer(1, MAX_CHOICES), 1),
    frequency_penalty: penalty,
    presence_penalty: penalty,
    logprobs: v.nullish(v.boolean('must be true or false'), false),
    top_logprobs: v.nullish(integer(0, MAX_LOGPROBS)),
    store: neutral(false),
    tools,
    tool_choice: toolChoice,
    /** Whether one answer may call several times. */
    parallel_tool_calls: v.nullish(v.boolean('must be true or false')),
    logit_bias: logitBias,
    prediction,
    response_format: responseFormat,
    service_tier: neutral('auto'),
    ...labels,
    /** Which stores to answer from; `[]` for none. Without it, the tenant's default. */
    vector_store_ids: v.nullish(storeIds),
    /** Files that this request brings, beside those in its messages. */
    file_ids: v.nullish(requestFileIds),
    /** What the target reads of them: what matches the question, or everything. */
    context: v.optional(v.picklist(CONTEXTS, `must be one of ${CONTEXTS.join(', ')}`), 'passages'),
    speculation: v.optional(speculationSchema, {}),
  },
  shape,
);

export type ChatRequest = v.InferOutput<typeof chatRequestSchema>;

/** Parts of text joined; `developer` is what `system` is called for newer models. */
export function plainMessages(request: ChatRequest): ChatMessage[] {
  const asked = new Set<string>();
  return request.messages.map((message, i) => {
    const { role, content } = message;
    const calls = (message.role === 'assistant' && message.tool_calls) || [];
    for (const { id } of calls) asked.add(id);
    if (message.role === 'tool' && !asked.has(message.tool_call_id)) {
      const path = ['messages', i, 'tool_call_id'];
      throw invalid(path, 'no message before it has a call with this id');
    }
    return {
      role: role === 'developer' ? 'system' : role,
      content:
        typeof content === 'string'
          ? content
          : (content ?? []).map((part) => (part.type === 'text' ? part.text : '')).join(''),
      ...(calls.length > 0 && { tool_calls: calls }),
    };
  });
}

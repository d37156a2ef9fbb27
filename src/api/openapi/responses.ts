/** Responses, told to those who call them. */
import * as v from 'valibot';
import { responseRequestSchema } from '../responses/schema.ts';
import { usage as chatUsage } from './answers.ts';
import { citation, tokenLogprobs } from './chat.ts';
import { JSON_TYPE, type Resource } from './operation.ts';
import { count, errorBody, seconds } from './shared.ts';

const status = v.picklist(['in_progress', 'completed', 'incomplete']);

const textPart = v.object({
  type: v.literal('output_text'),
  text: v.string(),
  annotations: v.array(citation),
  logprobs: tokenLogprobs,
});

const outputItem = v.variant('type', [
  v.object({
    type: v.literal('message'),
    id: v.string(),
    status,
    role: v.literal('assistant'),
    content: v.array(textPart),
  }),
  v.object({
    type: v.literal('function_call'),
    id: v.string(),
    status,
    call_id: v.string(),
    name: v.string(),
    arguments: v.string(),
  }),
  v.object({
    type: v.literal('file_search_call'),
    id: v.string(),
    status,
    queries: v.array(v.string()),
    results: v.nullable(
      v.array(
        v.object({
          file_id: v.string(),
          filename: v.string(),
          score: v.number(),
          text: v.string(),
          attributes: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
        }),
      ),
    ),
  }),
]);

const usage = v.object({
  input_tokens: count,
  input_tokens_details: v.object({ cached_tokens: count }),
  output_tokens: count,
  output_tokens_details: v.object({ reasoning_tokens: count }),
  total_tokens: count,
  speculation: chatUsage.entries.speculation,
});

const { tools, tool_choice, metadata } = responseRequestSchema.entries;

const response = v.object({
  id: v.string(),
  object: v.literal('response'),
  created_at: seconds,
  status,
  background: v.literal(false),
  error: v.null(),
  incomplete_details: v.nullable(v.object({ reason: v.literal('max_output_tokens') })),
  instructions: v.nullable(v.string()),
  max_output_tokens: v.nullable(count),
  model: v.string(),
  output: v.array(outputItem),
  parallel_tool_calls: v.boolean(),
  previous_response_id: v.null(),
  store: v.literal(false),
  temperature: v.nullable(v.number()),
  text: v.object({ format: v.looseObject({ type: v.string() }) }),
  tool_choice,
  tools,
  top_logprobs: count,
  top_p: v.nullable(v.number()),
  truncation: v.literal('disabled'),
  usage: v.nullable(usage),
  user: v.nullable(v.string()),
  metadata,
});

const place = { sequence_number: count, output_index: count };
const inItem = { ...place, item_id: v.string() };
const inPart = { ...inItem, content_index: count };

const event = v.variant('type', [
  v.object({
    type: v.picklist([
      'response.created',
      'response.in_progress',
      'response.completed',
      'response.incomplete',
    ]),
    sequence_number: count,
    response,
  }),
  v.object({
    type: v.picklist(['response.output_item.added', 'response.output_item.done']),
    ...place,
    item: outputItem,
  }),
  v.object({
    type: v.picklist([
      'response.file_search_call.in_progress',
      'response.file_search_call.searching',
      'response.file_search_call.completed',
    ]),
    ...inItem,
  }),
  v.object({
    type: v.picklist(['response.content_part.added', 'response.content_part.done']),
    ...inPart,
    part: textPart,
  }),
  v.object({
    type: v.literal('response.output_text.delta'),
    ...inPart,
    delta: v.string(),
    logprobs: tokenLogprobs,
  }),
  v.object({
    type: v.literal('response.output_text.annotation.added'),
    ...inPart,
    annotation_index: count,
    annotation: citation,
  }),
  v.object({
    type: v.literal('response.output_text.done'),
    ...inPart,
    text: v.string(),
    logprobs: tokenLogprobs,
  }),
  v.object({
    type: v.literal('response.function_call_arguments.delta'),
    ...inItem,
    delta: v.string(),
  }),
  v.object({
    type: v.literal('response.function_call_arguments.done'),
    ...inItem,
    name: v.string(),
    arguments: v.string(),
  }),
  v.object({
    type: v.literal('error'),
    sequence_number: count,
    message: v.string(),
    param: v.nullable(v.string()),
    code: v.string(),
    error: errorBody.entries.error,
  }),
]);

export const responsesResource: Resource = {
  components: {
    ResponseRequest: { schema: responseRequestSchema },
    Response: { schema: response },
    ResponseItem: { schema: outputItem },
    ResponseEvent: { schema: event },
  },
  operations: [
    {
      method: 'post',
      path: '/v1/responses',
      id: 'createResponse',
      tag: 'Responses',
      summary: 'The same as chat under its newer name, whole or as a stream',
      description:
        'A stream’s events are named by their type, from `response.created` to `response.completed` or `response.incomplete`. One that fails half way ends with `error`.',
      scopes: ['chat'],
      body: responseRequestSchema,
      answers: { [JSON_TYPE]: response, 'text/event-stream': event },
      needsVerifier: true,
    },
  ],
};

/** What /v1/responses answers: the response, its items, and the events of a stream. */
import * as v from 'valibot';
import { usage as chatUsage, citation, tokenLogprobs } from '../answers/wire.ts';
import { count, errorBody, seconds } from '../wire.ts';
import { responseRequestSchema } from './schema.ts';

const status = v.picklist(['in_progress', 'completed', 'incomplete']);

const textPart = v.object({
  type: v.literal('output_text'),
  text: v.string(),
  annotations: v.array(citation),
  logprobs: tokenLogprobs,
});

const reasoningPart = v.object({ type: v.literal('reasoning_text'), text: v.string() });

const outputItem = v.pipe(
  v.variant('type', [
    v.object({
      type: v.literal('reasoning'),
      id: v.string(),
      status,
      summary: v.tuple([]),
      content: v.array(reasoningPart),
    }),
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
  ]),
  v.title('ResponseItem'),
);

const usage = v.object({
  input_tokens: count,
  input_tokens_details: v.object({ cached_tokens: count }),
  output_tokens: count,
  output_tokens_details: v.object({ reasoning_tokens: count }),
  total_tokens: count,
  speculation: chatUsage.entries.speculation,
});

const { tools, tool_choice, metadata } = responseRequestSchema.entries;

export const response = v.pipe(
  v.object({
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
  }),
  v.title('Response'),
);

const place = { sequence_number: count, output_index: count };
const inItem = { ...place, item_id: v.string() };
const inPart = { ...inItem, content_index: count };

export const responseEvent = v.pipe(
  v.variant('type', [
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
      part: v.variant('type', [textPart, reasoningPart]),
    }),
    v.object({
      type: v.literal('response.output_text.delta'),
      ...inPart,
      delta: v.string(),
      logprobs: tokenLogprobs,
    }),
    v.object({
      type: v.literal('response.reasoning_text.delta'),
      ...inPart,
      delta: v.string(),
    }),
    v.object({
      type: v.literal('response.reasoning_text.done'),
      ...inPart,
      text: v.string(),
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
  ]),
  v.title('ResponseEvent'),
);

/** The body of POST /v1/responses. What is honoured, refused and ignored is as in chat. */
import * as v from 'valibot';
import { MAX_LOGPROBS } from '../../link/protocol/index.ts';
import { answeringStores } from '../answers/file-search-tool.ts';
import { CHOICE, parallelToolCalls, toolList } from '../answers/function-tools.ts';
import {
  integer,
  labels,
  MAX_TOKENS,
  model,
  noPadding,
  sampling,
  stream,
} from '../answers/request-fields.ts';
import { fileFields } from '../answers/request-files.ts';
import { identifier, jsonSchema } from '../answers/response-format.ts';
import { speculation } from '../answers/speculation-fields.ts';
import { effort, templateFields } from '../answers/template-fields.ts';
import { unsupported, unsupportedBeside } from '../answers/unsupported-fields.ts';
import { MAX_MESSAGES } from '../chat/schema.ts';
import { inputItem } from './input.ts';

const string = v.string('must be a string');

const functionTool = v.strictObject({
  type: v.literal('function'),
  name: identifier,
  description: v.nullish(string),
  parameters: v.nullish(jsonSchema),
  /** Calls are held to their schemas in either case. */
  strict: v.nullish(v.boolean('must be true or false')),
});

const format = v.variant(
  'type',
  [
    v.strictObject({ type: v.literal('text') }),
    v.strictObject({ type: v.literal('json_object') }),
    v.strictObject({
      type: v.literal('json_schema'),
      name: identifier,
      description: v.nullish(string),
      schema: jsonSchema,
      strict: v.nullish(v.boolean('must be true or false')),
    }),
  ],
  'must be an object with the type "text", "json_object" or "json_schema"',
);

const INCLUDABLE = [
  'file_search_call.results',
  'message.output_text.logprobs',
  /** There is none. */
  'reasoning.encrypted_content',
] as const;

const fields = {
  input: v.pipe(
    v.union(
      [
        v.pipe(string, v.minLength(1, 'must not be empty')),
        v.pipe(
          v.array(inputItem),
          v.minLength(1, 'must have at least one item'),
          v.maxLength(MAX_MESSAGES, `must have at most ${MAX_MESSAGES} items`),
        ),
      ],
      'must be a text or a list of items',
    ),
    v.description(
      'A question, or what was said so far: messages with `input_text`, `input_file` (by `file_id`) and `output_text`, calls of functions and their results. Items of an earlier response’s `output` are taken as they came; the model is not told what a `file_search_call` found.',
    ),
  ),
  instructions: v.pipe(
    v.nullish(string),
    v.description('A message of the system before the input.'),
  ),
  max_output_tokens: v.pipe(
    v.nullish(integer(1, MAX_TOKENS)),
    v.description('The most tokens of the answer. 256 if left out.'),
  ),
  text: v.pipe(
    v.nullish(
      v.strictObject({
        format: v.optional(format),
        verbosity: unsupported('verbosity'),
      }),
    ),
    v.description(
      '`format`: what the text must be: anything, a JSON object, or [valid under a JSON Schema](#how-do-i-get-json), here with `name` and `schema` beside `type`.',
    ),
  ),
  tools: v.pipe(
    toolList(functionTool),
    v.description(
      'Functions that the model may call, in the flat form, and at most one `file_search`, which is an item of the output.',
    ),
  ),
  tool_choice: v.pipe(
    v.nullish(
      v.union(
        [
          v.picklist(['none', 'auto', 'required']),
          v.strictObject({ type: v.literal('function'), name: identifier }),
          /** What is searched is searched in any case. */
          v.strictObject({ type: v.literal('file_search') }),
        ],
        'must be "none", "auto", "required", {"type": "function", "name": …} or {"type": "file_search"}',
      ),
    ),
    v.description(CHOICE),
  ),
  include: v.pipe(
    v.nullish(v.array(v.picklist(INCLUDABLE, `must be one of ${INCLUDABLE.join(', ')}`))),
    v.description('What is reported beside the answer: what a search found, log-probabilities.'),
  ),
  top_logprobs: v.pipe(
    v.nullish(integer(0, MAX_LOGPROBS)),
    v.description(
      'How many of the likeliest tokens are reported in each place, with `message.output_text.logprobs` in `include`.',
    ),
  ),
  stream_options: v.pipe(
    v.nullish(v.strictObject({ include_obfuscation: noPadding })),
    v.description('The usage is in the last event in any case.'),
  ),
  model,
  stream,
  ...sampling,
  parallel_tool_calls: parallelToolCalls,
  reasoning: v.pipe(
    v.nullish(
      v.strictObject({
        effort,
        /** Thoughts are told whole. */
        summary: v.nullish(v.string('must be a string')),
        generate_summary: v.nullish(v.string('must be a string')),
      }),
    ),
    v.description(
      '`effort`: what `reasoning_effort` is in chat. Thoughts are an item of the output.',
    ),
  ),
  chat_template_kwargs: templateFields.chat_template_kwargs,
  vector_store_ids: answeringStores,
  ...fileFields,
  speculation,
  ...labels,
};

export const responseRequestSchema = v.pipe(
  v.strictObject({ ...fields, ...unsupportedBeside(fields) }),
  v.title('ResponseRequest'),
);

export type ResponseRequest = v.InferOutput<typeof responseRequestSchema>;

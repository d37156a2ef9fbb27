/** The body of POST /v1/responses. A field is either honoured or refused by name, as in chat. */
import * as v from 'valibot';
import { MAX_FUNCTIONS, MAX_LOGPROBS } from '../../link/protocol/index.ts';
import { answeringStores, fileSearch } from '../answers/file-search-tool.ts';
import { CHOICE, hasOneSearch, ONE_SEARCH, parallelToolCalls } from '../answers/function-tools.ts';
import {
  integer,
  labels,
  MAX_TOKENS,
  model,
  neutral,
  sampling,
  shape,
  speculation,
  stream,
} from '../answers/request-fields.ts';
import { fileFields } from '../answers/request-files.ts';
import { identifier, jsonSchema } from '../answers/response-format.ts';
import { MAX_MESSAGES } from '../chat/schema.ts';

const string = v.string('must be a string');
const NOT_KEPT = 'is not supported: responses are not kept, send what came before in input';

/** As an answer had them, which come back as they are. */
const returned = { id: v.nullish(string), status: v.nullish(string), phase: v.nullish(string) };
const inputText = v.strictObject({ type: v.literal('input_text'), text: string }, shape);
const inputFile = v.strictObject(
  {
    type: v.literal('input_file'),
    file_id: string,
    /** A label: the file has its own. */
    filename: v.nullish(string),
    file_data: v.optional(
      v.never('is not supported: upload the file to /v1/files and send its file_id'),
    ),
  },
  shape,
);
const outputText = v.strictObject(
  {
    type: v.literal('output_text'),
    text: string,
    annotations: v.nullish(v.array(v.unknown())),
    logprobs: v.nullish(v.array(v.unknown())),
    /** What an SDK made of the text. */
    parsed: v.optional(v.unknown()),
  },
  shape,
);
const refusal = v.strictObject({ type: v.literal('refusal'), refusal: string }, shape);
const PARTS = 'must be a string or a list of parts';
const partOf = (...types: string[]) => `must be a part of type ${types.join(' or ')}`;

const message = v.variant('role', [
  v.strictObject(
    {
      type: v.optional(v.literal('message')),
      role: v.literal('assistant'),
      content: v.union(
        [
          string,
          v.array(
            v.variant('type', [outputText, inputText, refusal], partOf('output_text', 'refusal')),
          ),
        ],
        PARTS,
      ),
      ...returned,
    },
    shape,
  ),
  v.strictObject(
    {
      type: v.optional(v.literal('message')),
      role: v.picklist(['system', 'developer']),
      content: v.union([string, v.array(inputText)], PARTS),
      ...returned,
    },
    shape,
  ),
  v.strictObject(
    {
      type: v.optional(v.literal('message')),
      role: v.literal('user'),
      content: v.union(
        [
          string,
          v.array(v.variant('type', [inputText, inputFile], partOf('input_text', 'input_file'))),
        ],
        PARTS,
      ),
      ...returned,
    },
    shape,
  ),
]);

const item = v.variant(
  'type',
  [
    message,
    v.strictObject(
      {
        type: v.literal('function_call'),
        call_id: string,
        name: identifier,
        arguments: v.string('must be a string of JSON'),
        parsed_arguments: v.optional(v.unknown()),
        ...returned,
      },
      shape,
    ),
    v.strictObject(
      {
        type: v.literal('function_call_output'),
        call_id: string,
        output: v.union([string, v.array(inputText)], PARTS),
        ...returned,
      },
      shape,
    ),
    /** What an earlier answer searched: the model is told nothing of it. */
    v.looseObject({ type: v.literal('file_search_call') }),
    v.looseObject({
      type: v.literal('item_reference'),
      id: v.never('is not supported: responses are not kept, send the items themselves'),
    }),
  ],
  'must be a message, a function_call, a function_call_output or a file_search_call',
);

const functionTool = v.strictObject(
  {
    type: v.literal('function'),
    name: identifier,
    description: v.nullish(string),
    parameters: v.nullish(jsonSchema),
    /** Calls are held to their schemas in either case. */
    strict: v.nullish(v.boolean('must be true or false')),
  },
  shape,
);

const format = v.variant(
  'type',
  [
    v.strictObject({ type: v.literal('text') }, shape),
    v.strictObject({ type: v.literal('json_object') }, shape),
    v.strictObject(
      {
        type: v.literal('json_schema'),
        name: identifier,
        description: v.nullish(string),
        schema: jsonSchema,
        strict: v.nullish(v.boolean('must be true or false')),
      },
      shape,
    ),
  ],
  'must be an object with the type "text", "json_object" or "json_schema"',
);

const INCLUDABLE = [
  'file_search_call.results',
  'message.output_text.logprobs',
  /** There is none. */
  'reasoning.encrypted_content',
] as const;

const { temperature, top_p, top_k, seed } = sampling;

export const responseRequestSchema = v.pipe(
  v.strictObject(
    {
      input: v.pipe(
        v.union(
          [
            v.pipe(string, v.minLength(1, 'must not be empty')),
            v.pipe(
              v.array(item),
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
          v.strictObject(
            {
              format: v.optional(format),
              verbosity: v.pipe(neutral('medium'), v.description('There is one verbosity.')),
            },
            shape,
          ),
        ),
        v.description(
          '`format`: what the text must be: anything, a JSON object, or [valid under a JSON Schema](#how-do-i-get-json), here with `name` and `schema` beside `type`.',
        ),
      ),
      tools: v.pipe(
        v.nullish(
          v.pipe(
            v.array(
              v.variant(
                'type',
                [functionTool, fileSearch],
                'must have the type "function" or "file_search"',
              ),
              'must be a list of tools',
            ),
            v.maxLength(MAX_FUNCTIONS, `must have at most ${MAX_FUNCTIONS} tools`),
            v.check((list) => hasOneSearch(list), ONE_SEARCH),
          ),
        ),
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
        v.description(
          'What is reported beside the answer: what a search found, log-probabilities.',
        ),
      ),
      top_logprobs: v.pipe(
        v.nullish(integer(0, MAX_LOGPROBS)),
        v.description(
          'How many of the likeliest tokens are reported in each place, with `message.output_text.logprobs` in `include`.',
        ),
      ),
      previous_response_id: v.pipe(
        v.nullish(v.never(NOT_KEPT)),
        v.description('Not supported, as nothing is kept: send what came before in `input`.'),
      ),
      store: v.pipe(
        v.nullish(v.literal(false, 'is not supported: responses are not kept, send false')),
        v.description('Nothing is kept.'),
      ),
      background: v.pipe(neutral(false), v.description('Answers come as they are made.')),
      truncation: v.pipe(neutral('disabled'), v.description('Nothing of the input is left out.')),
      service_tier: v.pipe(neutral('auto'), v.description('There is one tier.')),
      stream_options: v.pipe(
        v.nullish(
          v.strictObject(
            {
              include_obfuscation: v.pipe(
                v.optional(v.literal(false, 'is not supported: leave it out')),
                v.description('Events are not padded.'),
              ),
            },
            shape,
          ),
        ),
        v.description('Only `{"include_obfuscation": false}`. The usage is in the last event.'),
      ),
      model,
      stream,
      temperature,
      top_p,
      top_k,
      seed,
      parallel_tool_calls: parallelToolCalls,
      vector_store_ids: answeringStores,
      ...fileFields,
      speculation,
      ...labels,
    },
    shape,
  ),
  v.title('ResponseRequest'),
);

export type ResponseRequest = v.InferOutput<typeof responseRequestSchema>;

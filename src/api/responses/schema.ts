/** The body of POST /v1/responses. A field is either honoured or refused by name, as in chat. */
import * as v from 'valibot';
import { MAX_FUNCTIONS, MAX_LOGPROBS } from '../../link/protocol/index.ts';
import { fileSearch, storeIds } from '../answers/file-search-tool.ts';
import { hasOneSearch, ONE_SEARCH } from '../answers/function-tools.ts';
import {
  integer,
  labels,
  MAX_TOKENS,
  neutral,
  number,
  seed,
  shape,
  speculationSchema,
} from '../answers/request-fields.ts';
import { requestFileIds } from '../answers/request-files.ts';
import { identifier, jsonSchema } from '../answers/response-format.ts';
import { CONTEXTS, MAX_MESSAGES } from '../chat/schema.ts';

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

export const responseRequestSchema = v.strictObject(
  {
    model: v.optional(string),
    input: v.union(
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
    instructions: v.nullish(string),
    stream: v.nullish(v.boolean('must be true or false'), false),
    max_output_tokens: v.nullish(integer(1, MAX_TOKENS)),
    temperature: v.nullish(number(0, 2)),
    top_p: v.nullish(number(0, 1)),
    top_logprobs: v.nullish(integer(0, MAX_LOGPROBS)),
    include: v.nullish(v.array(v.picklist(INCLUDABLE, `must be one of ${INCLUDABLE.join(', ')}`))),
    tools: v.nullish(
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
    tool_choice: v.nullish(
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
    parallel_tool_calls: v.nullish(v.boolean('must be true or false')),
    text: v.nullish(
      v.strictObject({ format: v.optional(format), verbosity: neutral('medium') }, shape),
    ),
    store: v.nullish(v.literal(false, 'is not supported: responses are not kept, send false')),
    previous_response_id: v.nullish(v.never(NOT_KEPT)),
    truncation: neutral('disabled'),
    background: neutral(false),
    service_tier: neutral('auto'),
    stream_options: v.nullish(
      v.strictObject(
        { include_obfuscation: v.optional(v.literal(false, 'is not supported: leave it out')) },
        shape,
      ),
    ),
    ...labels,
    /** Ours, as in chat. */
    top_k: v.nullish(integer(0, 1 << 20)),
    seed,
    vector_store_ids: v.nullish(storeIds),
    file_ids: v.nullish(requestFileIds),
    context: v.optional(v.picklist(CONTEXTS, `must be one of ${CONTEXTS.join(', ')}`), 'passages'),
    speculation: v.optional(speculationSchema, {}),
  },
  shape,
);

export type ResponseRequest = v.InferOutput<typeof responseRequestSchema>;

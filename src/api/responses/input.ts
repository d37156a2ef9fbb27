/** What was said so far, as /v1/responses takes it: messages, calls and their results. */
import * as v from 'valibot';
import { identifier } from '../answers/response-format.ts';

const string = v.string('must be a string');

/** As an answer had them, which come back as they are. */
const returned = { id: v.nullish(string), status: v.nullish(string), phase: v.nullish(string) };
const inputText = v.strictObject({ type: v.literal('input_text'), text: string });
const inputFile = v.strictObject({
  type: v.literal('input_file'),
  file_id: string,
  /** A label: the file has its own. */
  filename: v.nullish(string),
  file_data: v.optional(
    v.never('is not supported: upload the file to /v1/files and send its file_id'),
  ),
});
const outputText = v.strictObject({
  type: v.literal('output_text'),
  text: string,
  annotations: v.nullish(v.array(v.unknown())),
  logprobs: v.nullish(v.array(v.unknown())),
  /** What an SDK made of the text. */
  parsed: v.optional(v.unknown()),
});
const refusal = v.strictObject({ type: v.literal('refusal'), refusal: string });
const PARTS = 'must be a string or a list of parts';
const partOf = (...types: string[]) => `must be a part of type ${types.join(' or ')}`;

const message = v.variant('role', [
  v.strictObject({
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
  }),
  v.strictObject({
    type: v.optional(v.literal('message')),
    role: v.picklist(['system', 'developer']),
    content: v.union([string, v.array(inputText)], PARTS),
    ...returned,
  }),
  v.strictObject({
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
  }),
]);

export const inputItem = v.variant(
  'type',
  [
    message,
    v.strictObject({
      type: v.literal('function_call'),
      call_id: string,
      name: identifier,
      arguments: v.string('must be a string of JSON'),
      parsed_arguments: v.optional(v.unknown()),
      ...returned,
    }),
    v.strictObject({
      type: v.literal('function_call_output'),
      call_id: string,
      output: v.union([string, v.array(inputText)], PARTS),
      ...returned,
    }),
    /** What an earlier answer searched: the model is told nothing of it. */
    v.looseObject({ type: v.literal('file_search_call') }),
    /** What it thought: the model's chat template decides whether it is told. */
    v.looseObject({
      type: v.literal('reasoning'),
      content: v.nullish(
        v.array(v.looseObject({ type: v.literal('reasoning_text'), text: string }), PARTS),
      ),
    }),
    v.looseObject({
      type: v.literal('item_reference'),
      id: v.never('is not supported: responses are not kept, send the items themselves'),
    }),
  ],
  'must be a message, a function_call, a function_call_output, a file_search_call or a reasoning',
);

/** Functions that a chat request lets the model call, and how they come back. */
import * as v from 'valibot';
import { CALL_BEGIN, CALL_END, type FunctionTool, templateHasTools } from '../../generate/tools.ts';
import { type CallsSetting, MAX_FUNCTIONS } from '../../link/protocol/index.ts';
import type { ModelRecord } from '../../model/record.ts';
import { invalid } from '../errors.ts';
import { type FileSearch, fileSearch } from './file-search-tool.ts';
import { shape } from './request-fields.ts';
import { identifier, jsonSchema, requireSmall } from './response-format.ts';

const functionTool = v.strictObject(
  {
    type: v.literal('function'),
    function: v.strictObject(
      {
        name: identifier,
        description: v.nullish(v.string('must be a string')),
        parameters: v.nullish(jsonSchema),
        /** Calls are held to their schemas in either case. */
        strict: v.nullish(v.boolean('must be true or false')),
      },
      shape,
    ),
  },
  shape,
);

export const ONE_SEARCH = 'at most one file_search: name all stores in its vector_store_ids';

/** One, or none. */
export function hasOneSearch(list: readonly { type: string }[]): boolean {
  return list.filter(({ type }) => type === 'file_search').length <= 1;
}

/** What a `tool_choice` says, in chat and in responses. */
export const CHOICE =
  'Whether a function is called: `auto` (the default), the model chooses; `required`, at least one; a function by name; or `none`.';

export const tools = v.nullish(
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
);

export const toolChoice = v.pipe(
  v.nullish(
    v.union(
      [
        v.picklist(['none', 'auto', 'required']),
        v.strictObject({
          type: v.literal('function'),
          function: v.strictObject({ name: identifier }),
        }),
      ],
      'must be "none", "auto", "required" or {"type": "function", "function": {"name": …}}',
    ),
  ),
  v.description(CHOICE),
);

export const parallelToolCalls = v.pipe(
  v.nullish(v.boolean('must be true or false')),
  v.description('Whether one answer may call up to 8 times (the default) or once.'),
);

/** Fields of a request that speak of functions. */
export interface ToolFields {
  tools?: v.InferOutput<typeof tools>;
  tool_choice?: v.InferOutput<typeof toolChoice>;
  parallel_tool_calls?: boolean | null | undefined;
  response_format?: { type: string } | null | undefined;
}

/** What the prompt tells of, and what the answer is held to; `places` has the index in `tools` of each function held to. */
export interface Calling {
  functions: FunctionTool[];
  grammar: CallsSetting;
  places: number[];
}

/** Whether the answer may hold calls. */
export function mayCall({ tools: list, tool_choice }: ToolFields): boolean {
  return tool_choice !== 'none' && (list ?? []).some(({ type }) => type === 'function');
}

/** Null where nothing is to be called. Throws the `ApiFailure` of a choice that can't be. */
export function callingOf(body: ToolFields, model: ModelRecord): Calling | null {
  const choice = body.tool_choice ?? 'auto';
  const offered = (body.tools ?? []).flatMap((tool, place) =>
    tool.type === 'function' ? [{ place, ...tool.function }] : [],
  );
  const forced = choice !== 'auto' && choice !== 'none';
  if (forced && offered.length === 0) {
    throw invalid(['tool_choice'], 'there is no function to call: name some in tools');
  }
  if (choice === 'none' || offered.length === 0) return null;
  const twice = offered.find(({ name }, i) => offered.findIndex((one) => one.name === name) < i);
  if (twice) throw invalid(['tools'], `two functions are called "${twice.name}"`);
  if (body.response_format && body.response_format.type !== 'text') {
    throw invalid(
      ['response_format'],
      'an answer is either held to a format or may call functions: ' +
        'leave one out, or send tool_choice "none"',
    );
  }
  if (choice === 'auto' && !templateHasTools(model)) {
    throw invalid(
      ['tool_choice'],
      `"${model.id}" has no tools in its chat template and would not choose to call one: ` +
        'send "required", name a function, or send "none"',
    );
  }
  const named = typeof choice === 'object' ? choice.function.name : null;
  const held = named === null ? offered : offered.filter(({ name }) => name === named);
  if (held.length === 0) {
    throw invalid(['tool_choice'], `tools has no function called "${named}"`);
  }
  requireSmall(
    offered.map(({ parameters }) => parameters),
    ['tools'],
  );
  const functions = offered.map(({ name, description, parameters }) => ({
    name,
    ...(description && { description }),
    parameters: parameters ?? NO_PARAMETERS,
  }));
  return {
    functions,
    grammar: {
      kind: 'calls',
      begin: `${CALL_BEGIN}\n`,
      end: `\n${CALL_END}`,
      functions: functions
        .filter(({ name }) => named === null || name === named)
        .map(({ name, parameters }) => ({ name, parameters })),
      free: choice === 'auto',
      many: named === null && body.parallel_tool_calls !== false,
    },
    places: held.map(({ place }) => place),
  };
}

/** A function without parameters. */
const NO_PARAMETERS = { type: 'object', properties: {}, additionalProperties: false };

/** The tool that is searched with, of a request's tools. */
export function fileSearchOf(list: ToolFields['tools']): FileSearch | undefined {
  return list?.find((tool): tool is FileSearch => tool.type === 'file_search');
}

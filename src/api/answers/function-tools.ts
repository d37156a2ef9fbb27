/** Functions that a request lets the model call. */
import * as v from 'valibot';
import { CALL_BEGIN, CALL_END, type FunctionTool, templateHasTools } from '../../generate/tools.ts';
import { type CallsSetting, MAX_FUNCTIONS } from '../../link/protocol/index.ts';
import type { ModelRecord } from '../../model/record.ts';
import { invalid, type Path } from '../errors.ts';
import { fileSearch } from './file-search-tool.ts';
import { identifier, jsonSchema, requireSmall } from './response-format.ts';

const functionTool = v.strictObject({
  type: v.literal('function'),
  function: v.strictObject({
    name: identifier,
    description: v.nullish(v.string('must be a string')),
    parameters: v.nullish(jsonSchema),
    strict: v.nullish(v.boolean('must be true or false')),
  }),
});

/** A function as one of the routes has it. */
type FunctionToolSchema = v.StrictObjectSchema<
  v.ObjectEntries & { type: v.LiteralSchema<'function', undefined> },
  undefined
>;

/** Functions in a route's form, and at most one search of stores. */
export function toolList<const Tool extends FunctionToolSchema>(functionTool: Tool) {
  return v.nullish(
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
      v.check(
        (list) => list.filter(({ type }) => type === 'file_search').length <= 1,
        'at most one file_search: name all stores in its vector_store_ids',
      ),
    ),
  );
}

/** What a `tool_choice` says, in chat and in responses. */
export const CHOICE =
  'Whether a function is called: `auto` (the default), the model chooses; `required`, at least one; a function by name; or `none`.';

export const tools = toolList(functionTool);

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

/** A function that a request offers to the model, and where. */
export interface OfferedFunction {
  path: Path;
  name: string;
  description?: string | null | undefined;
  parameters?: Record<string, unknown> | null | undefined;
  /** Whether a schema that can't be held in full is refused. */
  strict?: boolean | null | undefined;
}

/** What a request says of functions, in whichever form its route has them. */
export interface FunctionUse {
  offered: readonly OfferedFunction[];
  choice: 'auto' | 'none' | 'required' | { name: string };
  /** Whether one answer may call several times. */
  parallel: boolean;
}

/** Names of the functions that the answer may call; null where it may hold no calls. */
export function callableNames(use: FunctionUse): ReadonlySet<string> | null {
  return mayCall(use) ? new Set(callable(use).map(({ name }) => name)) : null;
}

function mayCall({ offered, choice }: FunctionUse): boolean {
  return choice !== 'none' && offered.length > 0;
}

/** The functions that the answer may call. */
export function callable({ offered, choice }: FunctionUse): readonly OfferedFunction[] {
  if (choice === 'none') return [];
  return typeof choice === 'object' ? offered.filter(({ name }) => name === choice.name) : offered;
}

/** What the prompt describes, and what the answer is held to. */
interface FunctionCalls {
  functions: FunctionTool[];
  grammar: CallsSetting;
}

/**
 * null where nothing is to be called. Throws the `ApiFailure` of a choice that
 * can't be.
 *
 * @param format where the request asks for a format of the text, if it does
 */
export function functionCalls(
  use: FunctionUse,
  format: Path | null,
  model: ModelRecord,
): FunctionCalls | null {
  const { offered, choice, parallel } = use;
  const forced = choice !== 'auto' && choice !== 'none';
  if (forced && offered.length === 0) {
    throw invalid(['tool_choice'], 'there is no function to call: name some in tools');
  }
  if (!mayCall(use)) return null;
  requireCallable(use, format, model);
  const functions = offered.map(toFunctionTool);
  return {
    functions,
    grammar: {
      kind: 'calls',
      begin: `${CALL_BEGIN}\n`,
      end: `\n${CALL_END}`,
      functions: callable(use).map((one) => ({
        name: one.name,
        parameters: one.parameters ?? NO_PARAMETERS,
        strict: one.strict === true,
      })),
      free: choice === 'auto',
      many: typeof choice !== 'object' && parallel,
    },
  };
}

function requireCallable(use: FunctionUse, format: Path | null, model: ModelRecord): void {
  const { offered, choice } = use;
  const twice = offered.find(({ name }, i) => offered.findIndex((one) => one.name === name) < i);
  if (twice) throw invalid(['tools'], `two functions are called "${twice.name}"`);
  if (format) {
    throw invalid(
      format,
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
  if (typeof choice === 'object' && callable(use).length === 0) {
    throw invalid(['tool_choice'], `tools has no function called "${choice.name}"`);
  }
  requireSmall(
    offered.map(({ parameters }) => parameters),
    ['tools'],
  );
}

/** A function without parameters. */
const NO_PARAMETERS = { type: 'object', properties: {}, additionalProperties: false };

function toFunctionTool({ name, description, parameters }: OfferedFunction): FunctionTool {
  return {
    name,
    ...(description && { description }),
    parameters: parameters ?? NO_PARAMETERS,
  };
}

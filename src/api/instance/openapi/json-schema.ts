/** Valibot's schemas as JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
import { type JsonSchema, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { errorBody } from '../../wire.ts';
import type { Operation } from './operation.ts';

export type { JsonSchema };

type Config = NonNullable<Parameters<typeof toJsonSchema>[1]>;

const CONFIG = {
  target: 'draft-2020-12',
  // Checks that need code, such as a count over a whole filter, have no JSON Schema: the routes still make them.
  errorMode: 'ignore',
  overrideRef: ({ referenceId }) => referenceTo(referenceId),
  overrideSchema({ valibotSchema, jsonSchema }) {
    if (valibotSchema.type === 'file') return { type: 'string', format: 'binary' };
    if (valibotSchema.type !== 'strict_object') return jsonSchema;
    // Hints are taken: a client need not know all of its own fields to be known here.
    const { additionalProperties: _, ...open } = jsonSchema;
    return open;
  },
} as const satisfies Config;

function referenceTo(name: string): string {
  return `#/components/schemas/${name}`;
}

/** The reference to a schema that has a title. */
export function refOf(schema: v.GenericSchema) {
  const title = titleOf(schema);
  if (title === undefined) throw new Error('an operation has a schema without a title');
  return { $ref: referenceTo(title) };
}

/**
 * What operations take and answer, and errors: every schema that has a title, by
 * title; where one holds another, by reference. Descriptions are Markdown, links included.
 */
export function componentsOf(operations: readonly Operation[]) {
  const titled: Record<string, v.GenericSchema> = {};
  collect(errorBody, titled);
  for (const { body, form, answers } of operations) {
    for (const schema of [body, form, ...Object.values(answers)]) {
      if (schema) collect(schema, titled);
    }
  }
  return toJsonSchemaDefs(titled, { ...CONFIG, typeMode: 'input' });
}

/** A schema's own title; not that of one which it makes narrower. */
function titleOf(schema: v.GenericSchema): string | undefined {
  const { pipe = [] } = schema as { pipe?: readonly { type: string; title?: string }[] };
  return pipe.find(({ type }) => type === 'title')?.title;
}

/** A schema's parts, whatever kind it is. */
interface Parts {
  entries?: Record<string, v.GenericSchema>;
  options?: readonly (v.GenericSchema | string)[];
  item?: v.GenericSchema;
  wrapped?: v.GenericSchema;
  rest?: v.GenericSchema;
  value?: v.GenericSchema;
}

function collect(schema: v.GenericSchema, titled: Record<string, v.GenericSchema>): void {
  const title = titleOf(schema);
  if (title !== undefined) {
    if (titled[title] === schema) return;
    if (titled[title]) throw new Error(`two schemas have the title ${title}`);
    titled[title] = schema;
  }
  const { entries = {}, options = [], item, wrapped, rest, value } = schema as Parts;
  const parts = [...Object.values(entries), ...options, item, wrapped, rest, value];
  for (const part of parts) if (typeof part === 'object') collect(part, titled);
}

/** A query's parameters: texts on the wire, described by what they are read as. */
export function querySchema(schema: v.GenericSchema): JsonSchema {
  const converted = toJsonSchema(schema, { ...CONFIG, typeMode: 'ignore' });
  if (converted.type === 'integer' && typeof converted.default === 'string') {
    converted.default = Number(converted.default);
  }
  delete converted.$schema;
  return converted;
}

/** Whether a field takes nothing, but for values that ask for nothing. */
export function isRefused({ description }: { description?: string | undefined }): boolean {
  return description?.startsWith('Not supported: ') ?? false;
}

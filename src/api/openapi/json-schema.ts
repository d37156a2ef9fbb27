/** Valibot's schemas as JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
import { type JsonSchema, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import type { Component } from './operation.ts';

type Config = NonNullable<Parameters<typeof toJsonSchema>[1]>;

const CONFIG = {
  target: 'draft-2020-12',
  // Checks that need code, such as a count over a whole filter, have no JSON Schema: the routes still make them.
  errorMode: 'ignore',
  overrideRef: ({ referenceId }) => referenceTo(referenceId),
  overrideSchema({ valibotSchema, jsonSchema }) {
    if (valibotSchema.type === 'file') return { type: 'string', format: 'binary' };
    return jsonSchema;
  },
  // Descriptions have links, which only docs/api.md can follow.
  overrideAction({ valibotAction, jsonSchema }) {
    if (valibotAction.type !== 'description') return jsonSchema;
    return { ...jsonSchema, description: withoutLinks(String(jsonSchema.description)) };
  },
} as const satisfies Config;

export function referenceTo(name: string): string {
  return `#/components/schemas/${name}`;
}

/** All named schemas; where one holds another, by reference. */
export function namedSchemas(components: Readonly<Record<string, Component>>) {
  const definitions = Object.fromEntries(
    Object.entries(components).map(([name, { schema }]) => [name, schema]),
  );
  const converted = toJsonSchemaDefs(definitions, { ...CONFIG, typeMode: 'input' });
  for (const [name, { notes = {} }] of Object.entries(components)) {
    for (const [field, description] of Object.entries(notes)) {
      const property = converted[name]?.properties?.[field];
      if (typeof property === 'object') property.description = description;
    }
  }
  return converted;
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

/** Markdown with the texts of its links in place of them. */
function withoutLinks(markdown: string): string {
  return markdown.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1');
}

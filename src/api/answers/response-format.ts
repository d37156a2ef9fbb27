/** `response_format` of a chat request: what the text of an answer must be. */
import * as v from 'valibot';
import { LinkFailure } from '../../link/failure.ts';
import type { GrammarSetting } from '../../link/protocol/index.ts';
import { type ApiFailure, invalid, type Path } from '../errors.ts';
import { shape } from './request-fields.ts';

/** Names of formats and functions, as OpenAI has them. */
export const identifier = v.pipe(
  v.string('must be a string'),
  v.regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -'),
);

/** A JSON Schema; what of it is supported is the verifier's to say. */
export const jsonSchema = v.record(v.string(), v.unknown(), 'must be a JSON Schema: an object');

export const responseFormat = v.nullish(
  v.variant(
    'type',
    [
      v.strictObject({ type: v.literal('text') }, shape),
      v.strictObject({ type: v.literal('json_object') }, shape),
      v.strictObject(
        {
          type: v.literal('json_schema'),
          json_schema: v.strictObject(
            {
              name: identifier,
              description: v.optional(v.string('must be a string')),
              schema: jsonSchema,
              /** The answer is held to the schema in either case. */
              strict: v.nullish(v.boolean('must be true or false')),
            },
            shape,
          ),
        },
        shape,
      ),
    ],
    'must be an object with the type "text", "json_object" or "json_schema"',
  ),
);

/** Schemas of a request, as JSON: beside the most regions and biases they fit the link's settings. */
const MAX_SCHEMA_BYTES = 24 * 1024;

/** What the verifier holds the answer to; null for any text. Throws the `ApiFailure` of a schema that is too large. */
export function grammarOfFormat(
  format: v.InferOutput<typeof responseFormat>,
): GrammarSetting | null {
  if (!format || format.type === 'text') return null;
  if (format.type === 'json_object') return { kind: 'json_object' };
  const { schema } = format.json_schema;
  requireSmall(schema, ['response_format']);
  return { kind: 'json_schema', schema };
}

/** Throws the `ApiFailure` of schemas that are too large, or nested without end. */
export function requireSmall(schemas: unknown, path: Path): void {
  let bytes = Infinity;
  try {
    bytes = new TextEncoder().encode(JSON.stringify(schemas)).length;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
  }
  if (bytes <= MAX_SCHEMA_BYTES) return;
  throw invalid(path, `its JSON Schema may have at most ${MAX_SCHEMA_BYTES} bytes`);
}

/**
 * What the verifier says that it can't hold an answer to, in the request's own
 * terms; null where that is not what failed. `places`: where in `tools` each
 * function stands that the answer was to be held to, if it was.
 */
export function grammarFailure(error: unknown, places?: readonly number[]): ApiFailure | null {
  if (!(error instanceof LinkFailure) || error.code !== 'grammar') return null;
  const [part, ...rest] = error.path;
  if (part === 'schema') {
    return invalid(['response_format', 'json_schema', 'schema', ...rest], error.message);
  }
  if (part === 'functions' && typeof rest[0] === 'number') {
    return invalid(['tools', places![rest[0]]!, 'function', ...rest.slice(1)], error.message);
  }
  return invalid([places ? 'tools' : 'response_format'], error.message);
}

/** What the text of an answer must be: `response_format`, `text.format`. */
import * as v from 'valibot';
import type { GrammarSetting } from '../../link/protocol/index.ts';
import { invalid, type Path } from '../errors.ts';

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
      v.strictObject({ type: v.literal('text') }),
      v.strictObject({
        type: v.literal('json_object'),
        schema: v.nullish(v.never('is not supported here: send the type "json_schema"')),
      }),
      v.strictObject({
        type: v.literal('json_schema'),
        json_schema: v.strictObject({
          name: identifier,
          description: v.optional(v.string('must be a string')),
          schema: jsonSchema,
          strict: v.nullish(v.boolean('must be true or false')),
        }),
      }),
    ],
    'must be an object with the type "text", "json_object" or "json_schema"',
  ),
);

/** Schemas of a request, as JSON: beside the most regions and biases they fit the link's settings. */
const MAX_SCHEMA_BYTES = 128 * 1024;
/** Objects and lists in each other, of which a schema's own 32 levels take three each. */
const MAX_SCHEMA_DEPTH = 256;

/** What an answer's text is to be, in whichever form its route has it. */
export type TextFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; schema: Record<string, unknown>; strict?: boolean | null | undefined };

/**
 * What the verifier holds the answer to; null for any text. Throws the
 * `ApiFailure` of a schema that is too large. @param path where the format is
 */
export function formatGrammar(format: TextFormat, path: Path): GrammarSetting | null {
  if (format.type === 'text') return null;
  if (format.type === 'json_object') return { kind: 'json_object' };
  requireSmall(format.schema, path);
  return { kind: 'json_schema', schema: format.schema, strict: format.strict === true };
}

/** Throws the `ApiFailure` of schemas that are too large, or nested too deep for who writes or reads them. */
export function requireSmall(schemas: unknown, path: Path): void {
  requireShallow(schemas, path);
  const bytes = new TextEncoder().encode(JSON.stringify(schemas)).length;
  if (bytes <= MAX_SCHEMA_BYTES) return;
  throw invalid(path, `its JSON Schema may have at most ${MAX_SCHEMA_BYTES} bytes`);
}

/** Level by level: a walk down would run out of stack where this is to be found out. */
function requireShallow(schemas: unknown, path: Path): void {
  let level = [schemas];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_SCHEMA_DEPTH) {
      throw invalid(
        path,
        `its JSON Schema is nested more than ${MAX_SCHEMA_DEPTH} deep: flatten it`,
      );
    }
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
}

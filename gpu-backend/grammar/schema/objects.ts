/** `type: "object"`: named properties in the schema's order, and others. */
import {
  call,
  choice,
  type Expression,
  literal,
  optional,
  Rule,
  repeat,
  sequence,
} from '../expression.ts';
import * as json from '../json.ts';
import type { GrammarPath } from '../refused.ts';
import { type Enforcement, refuse, type Schema } from './enforcement.ts';
import { otherKeys } from './keys.ts';
import { stringExpression } from './strings.ts';

export const OBJECT_KEYWORDS = ['properties', 'required', 'additionalProperties', 'propertyNames'];

const MAX_PROPERTIES = 512;
const MAX_NAME_LENGTH = 256;
const { comma, colon } = json.ONE_LINE;

/** Reads a schema inside the object's. */
type Read = (schema: unknown, path: GrammarPath) => Expression;

/** Throws `GrammarRefused`. */
export function objectExpression(
  schema: Schema,
  path: GrammarPath,
  enforcement: Enforcement,
  read: Read,
): Expression {
  const properties = propertiesOf(schema, path);
  const listed = listedNames(schema, properties, path);
  if (listed) {
    const value = schema.additionalProperties ?? true;
    const each = Object.fromEntries(listed.map((name) => [name, value]));
    return members(schema, each, null, path, (inner) =>
      read(inner, [...path, 'additionalProperties']),
    );
  }
  const names = Object.keys(properties);
  const extra = additional(schema, names, path, enforcement, read);
  return members(schema, properties, extra, path, read);
}

function members(
  schema: Schema,
  properties: Schema,
  extra: Expression | null,
  path: GrammarPath,
  read: Read,
): Expression {
  const names = Object.keys(properties);
  const required = requiredOf(schema, names, path);
  const each = names.map((name) =>
    sequence(json.constant(name), colon, read(properties[name], [...path, 'properties', name])),
  );
  /** What may follow the first member, from the last to the first; each is there once. */
  let after: Expression = extra ? repeat(sequence(comma, extra), 0, Infinity) : sequence();
  let first: Expression = extra ? optional(sequence(extra, after)) : sequence();
  for (let i = names.length - 1; i >= 0; i--) {
    const begins = sequence(each[i]!, after);
    const follows = sequence(comma, each[i]!);
    if (required.has(names[i]!)) {
      first = begins;
      after = sequence(follows, after);
    } else {
      first = choice(begins, first);
      after = sequence(optional(follows), after);
    }
  }
  return sequence(literal('{'), first, literal('}'));
}

function propertiesOf(schema: Schema, path: GrammarPath): Schema {
  const properties = schema.properties ?? {};
  if (typeof properties !== 'object' || Array.isArray(properties) || properties === null) {
    refuse([...path, 'properties'], 'must be an object');
  }
  const names = Object.keys(properties);
  if (names.length > MAX_PROPERTIES) {
    refuse([...path, 'properties'], `more than ${MAX_PROPERTIES}`);
  }
  const long = names.find((name) => name.length > MAX_NAME_LENGTH);
  if (long !== undefined) {
    refuse(
      [...path, 'properties'],
      `the name ${long.slice(0, 32)}… has more than ${MAX_NAME_LENGTH} characters`,
    );
  }
  return properties as Schema;
}

/** All names that there may be, where `propertyNames` lists them: each is then a property that may be left out. */
function listedNames(schema: Schema, properties: Schema, path: GrammarPath): string[] | null {
  const { propertyNames } = schema;
  if (propertyNames === undefined || Object.keys(properties).length > 0) return null;
  if (schema.additionalProperties === false) return null;
  const { enum: list, const: only } = Object(propertyNames) as Schema;
  const names = only === undefined ? list : [only];
  if (!Array.isArray(names)) return null;
  if (names.length > MAX_PROPERTIES) {
    refuse([...path, 'propertyNames', 'enum'], `more than ${MAX_PROPERTIES}`);
  }
  return names.filter((name) => typeof name === 'string');
}

/** A member beyond the named ones, if there may be any: all may where the schema speaks of no properties. */
function additional(
  schema: Schema,
  names: readonly string[],
  path: GrammarPath,
  enforcement: Enforcement,
  read: Read,
): Expression | null {
  const { additionalProperties: raw, propertyNames } = schema;
  if (raw === false || (raw === undefined && 'properties' in schema)) return null;
  const value = read(raw ?? true, [...path, 'additionalProperties']);
  const key = keyExpression(propertyNames, names, [...path, 'propertyNames'], enforcement);
  return call(new Rule(sequence(key, colon, value)));
}

function keyExpression(
  raw: unknown,
  names: readonly string[],
  path: GrammarPath,
  enforcement: Enforcement,
): Expression {
  if (raw === undefined || raw === true) return otherKeys(names);
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    refuse(path, 'must be a schema of strings');
  }
  const schema = raw as Schema;
  if (names.length > 0) {
    // A pattern less the names it may match has no form here.
    enforcement.leaveOut(path, 'is not supported beside properties');
    return otherKeys(names);
  }
  enforcement.allow(schema, path, ['type', 'minLength', 'maxLength', 'pattern', 'format']);
  return stringExpression(schema, path, enforcement);
}

function requiredOf(schema: Schema, names: readonly string[], path: GrammarPath): Set<string> {
  const required = schema.required ?? [];
  if (!Array.isArray(required)) refuse([...path, 'required'], 'must be a list of names');
  const known = new Set(names);
  for (const name of required) {
    if (known.has(name)) continue;
    refuse(
      [...path, 'required'],
      `names ${JSON.stringify(name)}, which is not one of the properties`,
    );
  }
  return new Set(required);
}

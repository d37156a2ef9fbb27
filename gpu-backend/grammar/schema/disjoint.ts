/** Whether no value is valid under two schemas: then `oneOf` asks for what `anyOf` does. */
import type { Schema } from './enforcement.ts';
import { hasType } from './values.ts';

const TYPES = ['null', 'boolean', 'object', 'array', 'string', 'number'];

/** True only if it follows from types, certain values, and properties that both require. */
export function areDisjoint(
  one: unknown,
  other: unknown,
  resolve: (ref: string) => unknown,
): boolean {
  const [a, b] = [one, other].map((schema) => followed(schema, resolve)) as [Schema, Schema];
  if (!a || !b) return false;
  const [values, others] = [valuesOf(a), valuesOf(b)];
  if (values && others) return values.every((value) => !others.includes(value));
  if (values)
    return values.every((value) => !typesOf(b).some((type) => hasType(JSON.parse(value), type)));
  if (others) return areDisjoint(b, a, resolve);
  const shared = typesOf(a).filter((type) => typesOf(b).includes(type));
  if (shared.length === 0) return true;
  return shared.length === 1 && shared[0] === 'object' && tellApart(a, b, resolve);
}

/** A property that both require and that has no value in common: a discriminator. */
function tellApart(a: Schema, b: Schema, resolve: (ref: string) => unknown): boolean {
  const names = (schema: Schema) => (Array.isArray(schema.required) ? schema.required : []);
  const property = (schema: Schema, name: string) => (Object(schema.properties) as Schema)[name];
  return names(a).some((name) => {
    if (!names(b).includes(name)) return false;
    const [mine, theirs] = [property(a, name), property(b, name)];
    return mine !== undefined && theirs !== undefined && areDisjoint(mine, theirs, resolve);
  });
}

/** References are followed so far: two that name each other end nowhere. */
const MAX_REFERENCES = 32;

function followed(schema: unknown, resolve: (ref: string) => unknown): Schema | null {
  let at = schema;
  for (let i = 0; i < MAX_REFERENCES; i++) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) return null;
    if (!('$ref' in at)) return at as Schema;
    at = typeof at.$ref === 'string' ? resolve(at.$ref) : null;
  }
  return null;
}

/** As JSON. */
function valuesOf(schema: Schema): string[] | null {
  if ('const' in schema) return [JSON.stringify(schema.const)];
  return Array.isArray(schema.enum) ? schema.enum.map((value) => JSON.stringify(value)) : null;
}

function typesOf({ type }: Schema): string[] {
  if (type === undefined) return TYPES;
  return [type].flat().map((name) => (name === 'integer' ? 'number' : String(name)));
}

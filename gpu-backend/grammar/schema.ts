/**
 * A JSON Schema (draft 2020-12, a documented part of it) as a grammar: whatever
 * the grammar matches is valid. The other way holds for values in one spelling:
 * properties in the schema's order, one line, and none that the schema does not
 * name unless `additionalProperties` asks for them. What is not supported is
 * refused by its name and place, never ignored.
 */
import {
  call,
  choice,
  type Expression,
  literal,
  never,
  optional,
  Rule,
  repeat,
  sequence,
} from './expression.ts';
import * as json from './json.ts';
import { otherKeys } from './keys.ts';
import { integersBetween, MAX_BOUND, numbersBetween } from './ranges.ts';
import { type GrammarPath, GrammarRefused } from './refused.ts';

const MAX_SCHEMA_DEPTH = 32;
const MAX_PROPERTIES = 512;
const MAX_NAME_LENGTH = 256;
const MAX_ENUM_VALUES = 1000;
/** Lengths and numbers of items. */
const MAX_COUNT = 1 << 20;

function refuse(path: GrammarPath, what: string): never {
  throw new GrammarRefused(what, path);
}

type Schema = Record<string, unknown>;

/** Say nothing about what is valid. */
const ANNOTATIONS = new Set(
  '$schema $id $comment title description default examples deprecated readOnly writeOnly'.split(
    ' ',
  ),
);
const KEYWORDS: Record<string, readonly string[]> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  boolean: [],
  null: [],
};
const ANY = json.anyValue(json.ONE_LINE);

/** Throws `GrammarRefused`. `path` is where the schema stands in the setting. */
export function schemaExpression(schema: unknown, path: GrammarPath): Expression {
  return new SchemaReader(schema, path).read();
}

class SchemaReader {
  private readonly root: unknown;
  private readonly path: GrammarPath;
  private readonly rules = new Map<string, Rule>();
  private depth = 0;

  constructor(root: unknown, path: GrammarPath) {
    this.root = root;
    this.path = path;
  }

  read(): Expression {
    return this.schema(this.root, this.path);
  }

  private schema(raw: unknown, path: GrammarPath): Expression {
    if (raw === true) return ANY.value;
    if (raw === false) return never;
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
      refuse(path, 'must be a schema: an object, true or false');
    }
    if (this.depth === MAX_SCHEMA_DEPTH) {
      refuse(path, `nested more than ${MAX_SCHEMA_DEPTH} deep: use $defs`);
    }
    this.depth++;
    const expression = this.anySchema(raw as Schema, path);
    this.depth--;
    return expression;
  }

  private anySchema(schema: Schema, path: GrammarPath): Expression {
    if ('$ref' in schema) {
      allow(schema, path, ['$ref', '$defs', 'definitions']);
      return this.reference(schema.$ref, [...path, '$ref']);
    }
    if ('const' in schema || 'enum' in schema) return values(schema, path);
    if ('anyOf' in schema || 'allOf' in schema) return this.combined(schema, path);
    const types = typesOf(schema, path);
    if (types.length === 0) {
      allow(schema, path, ['$defs', 'definitions']);
      return ANY.value;
    }
    allow(schema, path, [
      'type',
      '$defs',
      'definitions',
      ...types.flatMap((type) => KEYWORDS[type]!),
    ]);
    return choice(...types.map((type) => this.typed(type, schema, path)));
  }

  private combined(schema: Schema, path: GrammarPath): Expression {
    const name = 'anyOf' in schema ? 'anyOf' : 'allOf';
    allow(schema, path, [name, '$defs', 'definitions']);
    const list = schema[name];
    if (!Array.isArray(list) || list.length === 0) {
      refuse([...path, name], 'must be a list of at least one schema');
    }
    if (name === 'allOf' && list.length > 1) {
      refuse([...path, 'allOf'], 'is supported with one schema only: join them');
    }
    return choice(...list.map((one, i) => this.schema(one, [...path, name, i])));
  }

  /** `#`, `#/$defs/name` or another place in the schema; read once, wherever it is used. */
  private reference(ref: unknown, path: GrammarPath): Expression {
    if (typeof ref !== 'string' || !/^#(\/|$)/.test(ref)) {
      refuse(path, 'must be a place in this schema, like "#/$defs/name"');
    }
    const known = this.rules.get(ref);
    if (known) return call(known);
    const rule = new Rule();
    this.rules.set(ref, rule);
    const outer = this.depth;
    this.depth = 0;
    rule.body = this.schema(this.resolve(ref, path), [...this.path, ...ref.split('/').slice(1)]);
    this.depth = outer;
    return call(rule);
  }

  private resolve(ref: string, path: GrammarPath): unknown {
    let at = this.root;
    for (const step of ref.split('/').slice(1)) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) {
        refuse(path, `there is nothing at ${JSON.stringify(ref)}`);
      }
      at = (at as Schema)[key];
    }
    return at;
  }

  private typed(type: string, schema: Schema, path: GrammarPath): Expression {
    switch (type) {
      case 'object':
        return this.object(schema, path);
      case 'array':
        return this.array(schema, path);
      case 'string': {
        const [least, most] = counts(schema, path, 'minLength', 'maxLength');
        return json.string(least, most);
      }
      case 'integer':
      case 'number':
        return numeric(type, schema, path);
      case 'boolean':
        return json.boolean;
      default:
        return literal('null');
    }
  }

  private object(schema: Schema, path: GrammarPath): Expression {
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
    const required = requiredOf(schema, names, path);
    const { comma, colon } = json.ONE_LINE;
    const members = names.map((name) =>
      sequence(
        json.constant(name),
        colon,
        this.schema((properties as Schema)[name], [...path, 'properties', name]),
      ),
    );
    const extra = this.additional(schema, names, path);

    /** What may follow the first member, from the last to the first; each is there once. */
    let after: Expression = extra ? repeat(sequence(comma, extra), 0, Infinity) : sequence();
    let first: Expression = extra ? optional(sequence(extra, after)) : sequence();
    for (let i = names.length - 1; i >= 0; i--) {
      const begins = sequence(members[i]!, after);
      const follows = sequence(comma, members[i]!);
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

  /** A member beyond the named ones, if there may be any: all may where the schema names none. */
  private additional(
    schema: Schema,
    names: readonly string[],
    path: GrammarPath,
  ): Expression | null {
    const { additionalProperties: raw } = schema;
    if (raw === undefined) return names.length > 0 ? null : this.member(ANY.value, names);
    if (raw === false) return null;
    return this.member(this.schema(raw, [...path, 'additionalProperties']), names);
  }

  private member(value: Expression, names: readonly string[]): Expression {
    const rule = new Rule(sequence(otherKeys(names), json.ONE_LINE.colon, value));
    return call(rule);
  }

  private array(schema: Schema, path: GrammarPath): Expression {
    const [least, most] = counts(schema, path, 'minItems', 'maxItems');
    const item = 'items' in schema ? this.schema(schema.items, [...path, 'items']) : ANY.value;
    return json.array(item, json.ONE_LINE, least, most);
  }
}

function values(schema: Schema, path: GrammarPath): Expression {
  allow(schema, path, ['const', 'enum', 'type', '$defs', 'definitions']);
  if ('const' in schema && 'enum' in schema) {
    refuse([...path, 'const'], 'is not supported beside enum');
  }
  const list = 'const' in schema ? [schema.const] : schema.enum;
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_ENUM_VALUES) {
    refuse([...path, 'enum'], `must be a list of 1 to ${MAX_ENUM_VALUES} values`);
  }
  const types = 'type' in schema ? typesOf(schema, path) : null;
  const fitting = list.filter((value) => !types || types.some((type) => hasType(value, type)));
  return choice(...fitting.map(json.constant));
}

function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

/** The types that are named, or that the keywords speak of. */
function typesOf(schema: Schema, path: GrammarPath): string[] {
  if ('type' in schema) {
    const types = Array.isArray(schema.type) ? schema.type : [schema.type];
    for (const type of types) {
      if (typeof type !== 'string' || !Object.hasOwn(KEYWORDS, type)) {
        refuse([...path, 'type'], `must be of ${Object.keys(KEYWORDS).join(', ')}`);
      }
    }
    // Every integer is a number: named both, it would be read twice.
    return types.includes('number') ? types.filter((type) => type !== 'integer') : types;
  }
  return ['object', 'array', 'string', 'number'].filter((type) =>
    KEYWORDS[type]!.some((keyword) => keyword in schema),
  );
}

function requiredOf(schema: Schema, names: readonly string[], path: GrammarPath): Set<string> {
  const required = schema.required ?? [];
  if (!Array.isArray(required)) {
    refuse([...path, 'required'], 'must be a list of names');
  }
  const known = new Set(names);
  for (const name of required) {
    if (!known.has(name)) {
      refuse(
        [...path, 'required'],
        `names ${JSON.stringify(name)}, which is not one of the properties`,
      );
    }
  }
  return new Set(required);
}

/** A least and a most number of something. */
function counts(schema: Schema, path: GrammarPath, low: string, high: string): [number, number] {
  const [least, most] = [low, high].map((name) => {
    const value = schema[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_COUNT) {
      refuse([...path, name], `must be an integer from 0 to ${MAX_COUNT}`);
    }
    return value;
  });
  if ((least ?? 0) > (most ?? Infinity)) {
    refuse([...path, low], `is more than ${high}`);
  }
  return [least ?? 0, most ?? Infinity];
}

function numeric(type: 'integer' | 'number', schema: Schema, path: GrammarPath): Expression {
  const limit = type === 'integer' ? Number.MAX_SAFE_INTEGER : MAX_BOUND;
  const bound = (name: string): number | undefined => {
    const value = schema[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value) || Math.abs(value) > limit) {
      refuse([...path, name], `must be an integer from ${-limit} to ${limit}`);
    }
    return value;
  };
  const minimum = bound('minimum') ?? -Infinity;
  const maximum = bound('maximum') ?? Infinity;
  const above = bound('exclusiveMinimum') ?? -Infinity;
  const below = bound('exclusiveMaximum') ?? Infinity;
  if (Math.max(minimum, above) === -Infinity && Math.min(maximum, below) === Infinity) {
    return type === 'integer' ? json.integer : json.number;
  }
  if (type === 'integer') {
    const least = Math.max(minimum, above + 1, -Number.MAX_SAFE_INTEGER);
    const most = Math.min(maximum, below - 1, Number.MAX_SAFE_INTEGER);
    return least > most ? never : integersBetween(least, most);
  }
  return numbersBetween({
    least: Math.max(minimum, above),
    leastExcluded: above >= minimum,
    most: Math.min(maximum, below),
    mostExcluded: below <= maximum,
  });
}

/** Refuses by name what is neither in `names` nor an annotation. */
function allow(schema: Schema, path: GrammarPath, names: readonly string[]): void {
  for (const name of Object.keys(schema)) {
    if (names.includes(name) || ANNOTATIONS.has(name)) continue;
    refuse([...path, name], 'is not supported here: leave it out');
  }
}

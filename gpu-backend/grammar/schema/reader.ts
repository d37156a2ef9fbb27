/**
 * A JSON Schema (draft 2020-12, a documented part of it) as a grammar: whatever
 * the grammar matches is valid. The other way holds for values in one spelling:
 * properties in the schema's order, one line, and none that the schema does not
 * name unless `additionalProperties` asks for them. What the grammar can't hold is
 * refused by its name and place, or left out and named: never ignored in silence.
 */
import { call, choice, type Expression, literal, never, Rule } from '../expression.ts';
import * as json from '../json.ts';
import type { GrammarPath } from '../refused.ts';
import { ARRAY_KEYWORDS, arrayExpression } from './arrays.ts';
import { areDisjoint } from './disjoint.ts';
import { Enforcement, refuse, type Schema } from './enforcement.ts';
import { NUMERIC_KEYWORDS, numericExpression } from './numeric.ts';
import { OBJECT_KEYWORDS, objectExpression } from './objects.ts';
import { STRING_KEYWORDS, stringExpression } from './strings.ts';
import { valuesExpression } from './values.ts';

const MAX_SCHEMA_DEPTH = 32;

const KEYWORDS: Record<string, readonly string[]> = {
  object: OBJECT_KEYWORDS,
  array: ARRAY_KEYWORDS,
  string: STRING_KEYWORDS,
  integer: NUMERIC_KEYWORDS,
  number: NUMERIC_KEYWORDS,
  boolean: [],
  null: [],
};
const COMBINING = ['anyOf', 'oneOf', 'allOf'];
const ANY = json.anyValue(json.ONE_LINE);

export interface SchemaGrammar {
  expression: Expression;
  /** Places of keywords that the grammar does not hold; empty if `strict`. */
  unenforced: readonly GrammarPath[];
}

/**
 * Throws `GrammarRefused`. `path` is where the schema is in the setting; `strict`
 * refuses a schema with a keyword that can't be held.
 */
export function schemaGrammar(schema: unknown, path: GrammarPath, strict: boolean): SchemaGrammar {
  const enforcement = new Enforcement(strict);
  const expression = new SchemaReader(schema, path, enforcement).read();
  return { expression, unenforced: enforcement.unenforced };
}

class SchemaReader {
  private readonly root: unknown;
  private readonly path: GrammarPath;
  private readonly enforcement: Enforcement;
  private readonly rules = new Map<string, Rule>();
  private depth = 0;

  constructor(root: unknown, path: GrammarPath, enforcement: Enforcement) {
    this.root = root;
    this.path = path;
    this.enforcement = enforcement;
  }

  read(): Expression {
    return this.schema(this.root, this.path);
  }

  private readonly schema = (raw: unknown, path: GrammarPath): Expression => {
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
  };

  private anySchema(schema: Schema, path: GrammarPath): Expression {
    const { enforcement } = this;
    if ('$ref' in schema) {
      enforcement.allow(schema, path, ['$ref']);
      return this.reference(schema.$ref, [...path, '$ref']);
    }
    if ('const' in schema || 'enum' in schema) {
      const types = 'type' in schema ? typesOf(schema, path) : null;
      return valuesExpression(schema, path, enforcement, types);
    }
    const combining = COMBINING.find((name) => name in schema);
    if (combining) return this.combined(combining, schema, path);
    const types = typesOf(schema, path);
    enforcement.allow(schema, path, ['type', ...types.flatMap((type) => KEYWORDS[type]!)]);
    if (types.length === 0) return ANY.value;
    return choice(...types.map((type) => this.typed(type, schema, path)));
  }

  private combined(name: string, schema: Schema, path: GrammarPath): Expression {
    const { enforcement } = this;
    // Generators repeat the type that all alternatives have.
    enforcement.allow(schema, path, [name, 'type']);
    const list = schema[name];
    if (!Array.isArray(list) || list.length === 0) {
      refuse([...path, name], 'must be a list of at least one schema');
    }
    const read = (one: unknown, i: number) => this.schema(one, [...path, name, i]);
    if (name === 'allOf' && list.length > 1) {
      enforcement.leaveOut([...path, name], 'is supported with one schema only: join them');
      return read(list[0], 0);
    }
    if (name === 'oneOf' && !this.isDisjoint(list)) {
      const what = 'is supported where types or a constant property tell the schemas apart';
      enforcement.leaveOut([...path, name], `${what}: use anyOf`);
    }
    return choice(...list.map(read));
  }

  private isDisjoint(list: readonly unknown[]): boolean {
    const resolve = (ref: string) => this.find(ref) ?? null;
    return list.every((one, i) => list.slice(i + 1).every((two) => areDisjoint(one, two, resolve)));
  }

  /** `#`, `#/$defs/name` or another place in the schema; read once, wherever it is used. */
  private reference(ref: unknown, path: GrammarPath): Expression {
    if (typeof ref !== 'string' || !/^#(\/|$)/.test(ref)) {
      refuse(path, 'must be a place in this schema, like "#/$defs/name"');
    }
    const known = this.rules.get(ref);
    if (known) return call(known);
    const target = this.find(ref);
    if (target === undefined) refuse(path, `there is nothing at ${JSON.stringify(ref)}`);
    const rule = new Rule();
    this.rules.set(ref, rule);
    const outer = this.depth;
    this.depth = 0;
    rule.body = this.schema(target, [...this.path, ...ref.split('/').slice(1)]);
    this.depth = outer;
    return call(rule);
  }

  /** undefined where there is nothing. */
  private find(ref: string): unknown {
    let at = this.root;
    for (const step of ref.split('/').slice(1)) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
      at = (at as Schema)[key];
    }
    return at;
  }

  private typed(type: string, schema: Schema, path: GrammarPath): Expression {
    const { enforcement } = this;
    switch (type) {
      case 'object':
        return objectExpression(schema, path, enforcement, this.schema);
      case 'array':
        return arrayExpression(schema, path, enforcement, this.schema);
      case 'string':
        return stringExpression(schema, path, enforcement);
      case 'integer':
      case 'number':
        return numericExpression(type, schema, path, enforcement);
      case 'boolean':
        return json.boolean;
      default:
        return literal('null');
    }
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

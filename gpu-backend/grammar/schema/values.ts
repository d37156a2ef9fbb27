/** `const` and `enum`: certain values. */
import { choice, type Expression } from '../expression.ts';
import * as json from '../json.ts';
import type { GrammarPath } from '../refused.ts';
import { type Enforcement, refuse, type Schema } from './enforcement.ts';

const MAX_ENUM_VALUES = 1000;

/** Throws `GrammarRefused`. `types`: those that the schema names, null for any. */
export function valuesExpression(
  schema: Schema,
  path: GrammarPath,
  enforcement: Enforcement,
  types: readonly string[] | null,
): Expression {
  enforcement.allow(schema, path, ['const', 'enum', 'type']);
  if ('const' in schema && 'enum' in schema) {
    enforcement.leaveOut([...path, 'enum'], 'is not supported beside const');
  }
  const list = 'const' in schema ? [schema.const] : schema.enum;
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_ENUM_VALUES) {
    refuse([...path, 'enum'], `must be a list of 1 to ${MAX_ENUM_VALUES} values`);
  }
  const fitting = list.filter((value) => !types || types.some((type) => hasType(value, type)));
  return choice(...fitting.map(json.constant));
}

export function hasType(value: unknown, type: string): boolean {
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

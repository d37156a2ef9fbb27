/**
 * Attribute filters of a search, as OpenAI has them, to a condition in SQL. Keys
 * and values are bound, never spliced.
 */
import { type SQL, sql } from 'drizzle-orm';

type Scalar = string | number | boolean;

interface Comparison {
  type: 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte';
  key: string;
  value: Scalar;
}

interface Membership {
  type: 'in' | 'nin';
  key: string;
  value: readonly Scalar[];
}

interface Group {
  type: 'and' | 'or';
  filters: readonly AttributeFilter[];
}

export type AttributeFilter = Comparison | Membership | Group;

/** Conditions of a filter, groups included: each binds up to two of the hundred parameters D1 takes. */
export const MAX_CONDITIONS = 20;

export function countConditions(filter: AttributeFilter): number {
  if (!isGroup(filter)) return 1;
  return filter.filters.reduce((total, part) => total + countConditions(part), 1);
}

type ScalarKind = 'string' | 'number' | 'boolean';

/** What json_each calls the values of each kind. */
const JSON_TYPES: Record<ScalarKind, SQL> = {
  string: sql`('text')`,
  number: sql`('integer', 'real')`,
  boolean: sql`('true', 'false')`,
};

/** @param attributes the column that holds a JSON object, or null */
export function filterCondition(filter: AttributeFilter, attributes: SQL): SQL {
  if (isGroup(filter)) {
    // Of no conditions, "all" holds and "any" does not.
    if (filter.filters.length === 0) return filter.type === 'and' ? sql`true` : sql`false`;
    const parts = filter.filters.map((part) => filterCondition(part, attributes));
    return sql`(${sql.join(parts, filter.type === 'and' ? sql` AND ` : sql` OR `)})`;
  }
  return isMembership(filter) ? membership(attributes, filter) : comparison(attributes, filter);
}

/** A value with its kind, from json_each: 1 and true differ, as do 1 and "1"; 1 and 1.0 are one number. */
const KINDED_VALUE = sql`SELECT value, iif(type = 'integer', 'real', type)`;

/** A file without the attribute is in no list and equal to nothing: `nin` and `ne` hold for it. */
function membership(attributes: SQL, { type, key, value }: Membership): SQL {
  const attribute = sql`${KINDED_VALUE} FROM json_each(${attributes}) WHERE key = ${key}`;
  const list = sql`${KINDED_VALUE} FROM json_each(${JSON.stringify(value)})`;
  const listed = sql`EXISTS (${attribute} INTERSECT ${list})`;
  return type === 'in' ? listed : sql`NOT ${listed}`;
}

/** Only values of one kind compare: SQLite would put every text above every number. */
function comparison(attributes: SQL, { type, key, value: given }: Comparison): SQL {
  const attribute = sql`(SELECT value FROM json_each(${attributes})
    WHERE key = ${key} AND type IN ${JSON_TYPES[typeof given as ScalarKind]})`;
  // SQLite's JSON has 1 and 0 for true and false.
  const value = typeof given === 'boolean' ? Number(given) : given;
  switch (type) {
    case 'eq':
      return sql`${attribute} IS ${value}`;
    case 'ne':
      return sql`${attribute} IS NOT ${value}`;
    case 'gt':
      return sql`${attribute} > ${value}`;
    case 'gte':
      return sql`${attribute} >= ${value}`;
    case 'lt':
      return sql`${attribute} < ${value}`;
    case 'lte':
      return sql`${attribute} <= ${value}`;
  }
}

function isGroup(filter: AttributeFilter): filter is Group {
  return filter.type === 'and' || filter.type === 'or';
}

function isMembership(filter: Comparison | Membership): filter is Membership {
  return filter.type === 'in' || filter.type === 'nin';
}

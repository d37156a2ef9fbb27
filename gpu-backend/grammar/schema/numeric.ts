/** `type: "integer"` and `type: "number"`: bounds and `multipleOf`. */
import { type Expression, never } from '../expression.ts';
import * as json from '../json.ts';
import type { GrammarPath } from '../refused.ts';
import { type Bounds, FRACTION_DIGITS, MAX_BOUND, numbersBetween } from './decimals.ts';
import { type Enforcement, refuse, type Schema } from './enforcement.ts';
import { multiplesBetween } from './multiples.ts';
import { integersBetween } from './ranges.ts';

export const NUMERIC_KEYWORDS = [
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
];

const SAFE = Number.MAX_SAFE_INTEGER;
/** Fifteen digits, as integers without bounds have. */
const MAX_INTEGER = 1e15 - 1;

/** Throws `GrammarRefused`. */
export function numericExpression(
  type: 'integer' | 'number',
  schema: Schema,
  path: GrammarPath,
  enforcement: Enforcement,
): Expression {
  const bounds = boundsOf(type, schema, path);
  const step = stepOf(schema, path);
  if (step !== null) {
    const multiples = multiplesOf(type, step, bounds);
    if (multiples) return multiples;
    enforcement.leaveOut(
      [...path, 'multipleOf'],
      'is not supported for this number within these bounds',
    );
  }
  const isFree = bounds.least === -Infinity && bounds.most === Infinity;
  if (type === 'integer') {
    if (isFree) return json.integer;
    const { least, most } = integersIn(bounds, SAFE);
    return least > most ? never : integersBetween(least, most);
  }
  return isFree ? json.number : (numbersBetween(bounds) ?? never);
}

function boundsOf(type: 'integer' | 'number', schema: Schema, path: GrammarPath): Bounds {
  const limit = type === 'integer' ? SAFE : MAX_BOUND;
  const bound = (name: string, fallback: number): number => {
    const value = schema[name];
    if (value === undefined) return fallback;
    if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > limit) {
      refuse([...path, name], `must be a number from ${-limit} to ${limit}`);
    }
    return value;
  };
  const minimum = bound('minimum', -Infinity);
  const maximum = bound('maximum', Infinity);
  const above = bound('exclusiveMinimum', -Infinity);
  const below = bound('exclusiveMaximum', Infinity);
  return {
    least: Math.max(minimum, above),
    leastExcluded: above >= minimum && above !== -Infinity,
    most: Math.min(maximum, below),
    mostExcluded: below <= maximum && below !== Infinity,
  };
}

function integersIn({ least, leastExcluded, most, mostExcluded }: Bounds, limit: number) {
  const low = Math.ceil(least);
  const high = Math.floor(most);
  return {
    least: Math.max(-limit, low === least && leastExcluded ? low + 1 : low),
    most: Math.min(limit, high === most && mostExcluded ? high - 1 : high),
  };
}

function stepOf({ multipleOf }: Schema, path: GrammarPath): number | null {
  if (multipleOf === undefined) return null;
  if (typeof multipleOf !== 'number' || !(multipleOf > 0) || multipleOf > MAX_INTEGER) {
    refuse([...path, 'multipleOf'], `must be a number above 0, at most ${MAX_INTEGER}`);
  }
  return multipleOf;
}

/** Null where it can't be held. */
function multiplesOf(type: 'integer' | 'number', step: number, bounds: Bounds): Expression | null {
  if (Number.isInteger(step)) {
    const { least, most } = integersIn(bounds, MAX_INTEGER);
    return least > most ? never : multiplesBetween(least, most, step);
  }
  // 0.01: so many digits after the point.
  const digits = Math.round(-Math.log10(step));
  if (digits < 1 || digits > FRACTION_DIGITS || Number(`1e-${digits}`) !== step) return null;
  return numbersBetween(bounds, type === 'integer' ? 0 : digits) ?? never;
}

/** Numbers between any bounds, as the decimal digits they are written with. */
import {
  byte,
  choice,
  type Expression,
  empty,
  literal,
  optional,
  repeat,
  sequence,
} from '../expression.ts';
import { naturals } from './ranges.ts';

/** Digits after the point of a number with bounds, few enough that none rounds across one. */
export const FRACTION_DIGITS = 6;

/** What a bound may be, so that a number's digits fit a double. */
export const MAX_BOUND = 1e9;

/** Bounds of a number: inclusive unless said otherwise, infinite where there is none. */
export interface Bounds {
  least: number;
  leastExcluded: boolean;
  most: number;
  mostExcluded: boolean;
}

const digit = byte([0x30, 0x39]);

/**
 * Numbers within the bounds that have up to `digits` digits after the point:
 * multiples of 10^-digits. Null where there is none.
 */
export function numbersBetween(bounds: Bounds, digits = FRACTION_DIGITS): Expression | null {
  const least = scaled(Math.max(bounds.least, -MAX_BOUND), digits, 'up');
  const most = scaled(Math.min(bounds.most, MAX_BOUND), digits, 'down');
  const low = least.units + (bounds.leastExcluded && least.exact ? 1n : 0n);
  const high = most.units - (bounds.mostExcluded && most.exact ? 1n : 0n);
  if (low > high) return null;
  const ways: Expression[] = [];
  if (high >= 0n) ways.push(magnitudes(low > 0n ? low : 0n, high, digits));
  // −0 is 0, which is within the bounds if both signs are.
  if (low < 0n) ways.push(sequence(literal('-'), magnitudes(high < 0n ? -high : 0n, -low, digits)));
  return choice(...ways);
}

/** A number in units of 10^-digits, rounded towards the inside of its range. */
function scaled(value: number, digits: number, rounding: 'up' | 'down') {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.') as [string, string?];
  const shift = Number(exponent) - fraction.length + digits;
  const all = BigInt(whole + fraction);
  const divisor = 10n ** BigInt(Math.max(0, -shift));
  const magnitude = (all * 10n ** BigInt(Math.max(0, shift))) / divisor;
  const exact = shift >= 0 || all % divisor === 0n;
  const outward = exact ? 0n : 1n;
  if (value >= 0) return { units: magnitude + (rounding === 'up' ? outward : 0n), exact };
  return { units: -(magnitude + (rounding === 'down' ? outward : 0n)), exact };
}

/** Numbers of one sign, without it, from `low` to `high` units. */
function magnitudes(low: bigint, high: bigint, digits: number): Expression {
  const unit = 10n ** BigInt(digits);
  const [first, last] = [Number(low / unit), Number(high / unit)];
  const [after, before] = [low % unit, high % unit].map((f) =>
    digits === 0 ? '' : String(f).padStart(digits, '0'),
  ) as [string, string];
  const zeros = '0'.repeat(digits);
  const nines = '9'.repeat(digits);
  if (first === last) return sequence(literal(String(first)), fractions(after, before));
  const ways: Expression[] = [];
  const from = after === zeros ? first : first + 1;
  const to = before === nines ? last : last - 1;
  if (from > first) ways.push(sequence(literal(String(first)), fractions(after, nines)));
  if (from <= to) ways.push(sequence(naturals(from, to), anyFraction(digits)));
  if (to < last) ways.push(sequence(literal(String(last)), fractions(zeros, before)));
  return choice(...ways);
}

function anyFraction(digits: number): Expression {
  return digits === 0 ? empty : optional(sequence(literal('.'), repeat(digit, 1, digits)));
}

/** What may follow a whole number: a point and digits from `low` to `high`, where zeros at the end may be left out. */
function fractions(low: string, high: string): Expression {
  const isZero = (text: string) => /^0*$/.test(text);
  function from(at: number, isLeast: boolean, isMost: boolean): Expression {
    const ways: Expression[] = [];
    if (at > 0 && (!isLeast || isZero(low.slice(at)))) ways.push(empty);
    if (at < low.length) {
      if (!isLeast && !isMost) return repeat(digit, 0, low.length - at);
      const least = isLeast ? Number(low[at]) : 0;
      const most = isMost ? Number(high[at]) : 9;
      for (let value = least; value <= most; value++) {
        const rest = from(at + 1, isLeast && value === least, isMost && value === most);
        ways.push(sequence(literal(String(value)), rest));
      }
    }
    return choice(...ways);
  }
  const written = low.length > 0 ? [sequence(literal('.'), from(0, true, true))] : [];
  return choice(...(isZero(low) ? [empty] : []), ...written);
}

/** Numbers between bounds, as the digits they are written with. */
import {
  byte,
  choice,
  type Expression,
  literal,
  optional,
  repeat,
  sequence,
} from './expression.ts';

/** Digits behind the point of a number with bounds, few enough that none rounds across one. */
const FRACTION_DIGITS = 6;

const digit = byte([0x30, 0x39]);

function digits(from: number, to: number): Expression {
  return byte([0x30 + from, 0x30 + to]);
}

/** Integers from `least` to `most`, both safe, `least` ≤ `most`. */
export function integersBetween(least: number, most: number): Expression {
  const ways: Expression[] = [];
  if (least < 0) ways.push(sequence(literal('-'), naturals(Math.max(1, -most), -least)));
  if (most >= 0) ways.push(naturals(Math.max(0, least), most));
  return choice(...ways);
}

/** Natural numbers from `least` to `most`, by their number of digits. */
function naturals(least: number, most: number): Expression {
  const ways: Expression[] = [];
  for (let from = least; from <= most; ) {
    const length = String(from).length;
    const to = Math.min(most, 10 ** length - 1);
    ways.push(alike(String(from), String(to)));
    from = to + 1;
  }
  return choice(...ways);
}

/** Digit strings from `least` to `most` of the same length, in O(digits) nodes. */
function alike(least: string, most: string): Expression {
  if (least === most) return literal(least);
  const low = Number(least[0]);
  const high = Number(most[0]);
  if (least.length === 1) return digits(low, high);
  if (/^0+$/.test(least) && /^9+$/.test(most)) return repeat(digit, least.length, least.length);
  const rest = least.length - 1;
  if (low === high) return sequence(digits(low, low), alike(least.slice(1), most.slice(1)));
  const ways: Expression[] = [
    sequence(digits(low, low), alike(least.slice(1), '9'.repeat(rest))),
    sequence(digits(high, high), alike('0'.repeat(rest), most.slice(1))),
  ];
  if (high - low > 1) ways.push(sequence(digits(low + 1, high - 1), repeat(digit, rest, rest)));
  return choice(...ways);
}

/** Integer bounds of a number: inclusive unless said otherwise, infinite where there is none. */
export interface Bounds {
  least: number;
  leastExcluded: boolean;
  most: number;
  mostExcluded: boolean;
}

/** What a bound may be, so that a number's digits fit a double. */
export const MAX_BOUND = 1e9;

/** Numbers with up to six digits behind the point, within integer bounds. */
export function numbersBetween(bounds: Bounds): Expression {
  const { least, leastExcluded, most, mostExcluded } = bounds;
  return choice(
    magnitudes(Math.max(0, least), least >= 0 && leastExcluded, most, mostExcluded),
    sequence(
      literal('-'),
      magnitudes(Math.max(0, -most), -most >= 0 && mostExcluded, -least, leastExcluded),
    ),
  );
}

/** Numbers of one sign, without it. Of −0 it says what it says of 0. */
function magnitudes(
  least: number,
  leastExcluded: boolean,
  most: number,
  mostExcluded: boolean,
): Expression {
  const ways: Expression[] = [];
  const end = Math.min(most, MAX_BOUND);
  const part = sequence(literal('.'), repeat(digit, 1, FRACTION_DIGITS));
  // n.f lies above n only if f is more than nothing.
  const above = sequence(literal('.'), repeat(digit, 0, FRACTION_DIGITS - 1), digits(1, 9));
  const first = leastExcluded ? least + 1 : least;
  if (leastExcluded && least < end) ways.push(sequence(naturals(least, least), above));
  if (first < end) ways.push(sequence(naturals(first, end - 1), optional(part)));
  if (first <= end && !(mostExcluded && end === most)) ways.push(naturals(end, end));
  return choice(...ways);
}

/** Integers between bounds, as the digits they are written with. */
import { byte, choice, type Expression, literal, repeat, sequence } from '../expression.ts';

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
export function naturals(least: number, most: number): Expression {
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

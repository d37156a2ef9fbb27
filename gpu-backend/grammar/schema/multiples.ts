/** Integers that `multipleOf` divides, within bounds. */
import {
  byte,
  call,
  choice,
  type Expression,
  empty,
  literal,
  never,
  Rule,
  sequence,
} from '../expression.ts';

/** A divisor without its zeros at the end: an automaton keeps the remainder, per digit. */
const MAX_DIVISOR = 100;
/** Multiples that are few enough to be written out. */
const MAX_LISTED = 1_000;

/** Multiples of `divisor` from `least` to `most`, both safe integers. Null where its automaton would be too large. */
export function multiplesBetween(least: number, most: number, divisor: number): Expression | null {
  const first = Math.ceil(least / divisor);
  const last = Math.floor(most / divisor);
  if (first > last) return never;
  if (last - first < MAX_LISTED) {
    const all = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * divisor);
    return choice(...all.map((value) => literal(String(value))));
  }
  let [core, zeros] = [divisor, ''];
  for (; core % 10 === 0; core /= 10) zeros += '0';
  if (core > MAX_DIVISOR) return null;
  const scale = 10 ** zeros.length;
  const naturals = (low: number, high: number) =>
    sequence(digitsBetween(low, high, core), literal(zeros));
  const ways: Expression[] = [];
  const [low, high] = [Math.ceil(least / scale), Math.floor(most / scale)];
  if (low <= 0 && high >= 0) ways.push(literal('0'));
  if (high > 0) ways.push(naturals(Math.max(1, low), high));
  if (low < 0) ways.push(sequence(literal('-'), naturals(Math.max(1, -high), -low)));
  return choice(...ways);
}

/** Digits of the multiples of `divisor` from `least` to `most`, at least 1. */
function digitsBetween(least: number, most: number, divisor: number): Expression {
  const rules = new Map<string, Rule>();
  /** Digits still to come after a number with this remainder; tied to the bounds where they began like them. */
  function rest(low: string, high: string, remainder: number, atLow: boolean, atHigh: boolean) {
    const left = low.length;
    if (left === 0) return remainder === 0 ? empty : never;
    const key = `${left} ${remainder} ${atLow ? low : ''} ${atHigh ? high : ''}`;
    const known = rules.get(key);
    if (known) return call(known);
    const rule = new Rule(never);
    rules.set(key, rule);
    const ways: Expression[] = [];
    const [from, to] = [atLow ? Number(low[0]) : 0, atHigh ? Number(high[0]) : 9];
    for (let digit = from; digit <= to; digit++) {
      const next = rest(
        ...([low.slice(1), high.slice(1)] as const),
        (10 * remainder + digit) % divisor,
        atLow && digit === from,
        atHigh && digit === to,
      );
      if (next === never) continue;
      ways.push(sequence(byte([0x30 + digit, 0x30 + digit]), next));
    }
    rule.body = choice(...ways);
    return call(rule);
  }
  const ways: Expression[] = [];
  for (let from = least; from <= most; ) {
    const to = Math.min(most, 10 ** String(from).length - 1);
    ways.push(rest(String(from), String(to), 0, true, true));
    from = to + 1;
  }
  return choice(...ways);
}

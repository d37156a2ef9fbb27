/** Sets of characters inside a JSON string, each character in one spelling. */
import { byte, choice, type Expression, literal, sequence } from './expression.ts';

/** Ranges of code points, both ends included. */
export type CodePoints = readonly (readonly [from: number, to: number])[];

const LAST = 0x10ffff;
/** Code points whose UTF-8 has the same length; half a surrogate pair is no character. */
const LENGTHS: CodePoints = [
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, LAST],
];

export const ALL: CodePoints = [[0, LAST]];

/** In order, without overlaps. */
export function union(...sets: readonly CodePoints[]): CodePoints {
  const joined: [number, number][] = [];
  for (const [from, to] of sets.flat().toSorted((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

export function complement(set: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let at = 0;
  for (const [from, to] of union(set)) {
    if (from > at) rest.push([at, from - 1]);
    at = to + 1;
  }
  if (at <= LAST) rest.push([at, LAST]);
  return rest;
}

/** One character of the set as JSON spells it: escaped only where it must be. */
export function character(set: CodePoints): Expression {
  const plain: [number, number][] = [];
  const ways: Expression[] = [];
  for (const [from, to] of union(set)) {
    for (let code = from; code <= Math.min(to, 0x7f); code++) {
      const spelled = JSON.stringify(String.fromCharCode(code)).slice(1, -1);
      if (spelled.length === 1) plain.push([code, code]);
      else ways.push(literal(spelled));
    }
    for (const [first, last] of LENGTHS) {
      const [low, high] = [Math.max(from, first), Math.min(to, last)];
      if (low <= high) ways.push(encodedBetween(utf8(low), utf8(high)));
    }
  }
  if (plain.length > 0) ways.unshift(byte(...plain));
  return ways.length === 1 ? ways[0]! : choice(...ways);
}

function utf8(code: number): readonly number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(code))];
}

/** UTF-8 of the same length from `low` to `high`, in O(length) nodes. */
function encodedBetween(low: readonly number[], high: readonly number[]): Expression {
  const [first, ...lowRest] = low;
  const [last, ...highRest] = high;
  if (lowRest.length === 0) return byte([first!, last!]);
  if (first === last) return sequence(byte([first!, first!]), encodedBetween(lowRest, highRest));
  const least = lowRest.map(() => 0x80);
  const most = lowRest.map(() => 0xbf);
  const ways = [
    sequence(byte([first!, first!]), encodedBetween(lowRest, most)),
    sequence(byte([last!, last!]), encodedBetween(least, highRest)),
  ];
  if (last! - first! > 1) {
    ways.push(sequence(byte([first! + 1, last! - 1]), encodedBetween(least, most)));
  }
  return choice(...ways);
}

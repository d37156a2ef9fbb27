/**
 * Regular expressions of `pattern` (ECMA-262's syntax) as grammars over the
 * characters of a JSON string: alternatives, groups, classes, quantifiers, and
 * anchors at the ends of an alternative. What looks around or back is no regular
 * language in this form and is refused.
 */
import { ALL, type CodePoints, character, complement, union } from '../characters.ts';
import { choice, type Expression, empty, repeat, sequence } from '../expression.ts';

const MAX_PATTERN_LENGTH = 2_000;
/** What a quantifier may ask for; nested ones multiply, which `MAX_NODES` bounds. */
const MAX_REPEAT = 10_000;
const MAX_GROUP_DEPTH = 64;

/** A pattern beyond what is supported; the message says what of it. */
export class PatternRefused extends Error {
  override name = 'PatternRefused';
}

/** What one alternative or a part of it matches. */
interface Part {
  expression: Expression;
  /** Characters that it takes at least and at most. */
  least: number;
  most: number;
}

export interface Pattern extends Part {
  /** Set if the whole pattern is one class of characters, repeated: `^[a-z]{2,5}$`. */
  only: Expression | null;
}

const DIGIT: CodePoints = [[0x30, 0x39]];
const WORD = union(DIGIT, [
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
const SPACE: CodePoints = [
  ...([
    [0x09, 0x0d],
    [0x20, 0x20],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
  ] as const),
  ...([
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
  ] as const),
  [0xfeff, 0xfeff],
];
const LINE_END: CodePoints = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const CLASSES: Record<string, CodePoints> = {
  d: DIGIT,
  w: WORD,
  s: SPACE,
  D: complement(DIGIT),
  W: complement(WORD),
  S: complement(SPACE),
};
const CONTROLS: Record<string, number> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };
const anything = repeat(character(ALL), 0, Infinity);

/** What a string may be in which the pattern is found. Throws `PatternRefused`. */
export function patternOf(source: string): Pattern {
  if (source.length > MAX_PATTERN_LENGTH) {
    throw new PatternRefused(`has more than ${MAX_PATTERN_LENGTH} characters`);
  }
  return new PatternReader(source).read();
}

class PatternReader {
  private readonly source: string;
  private at = 0;
  private depth = 0;

  constructor(source: string) {
    this.source = source;
  }

  read(): Pattern {
    const found: Part[] = [];
    let only: Expression | null = null;
    do {
      const anchored = this.take('^');
      const inner = this.sequence();
      const ends = this.take('$');
      if (anchored && ends) only = found.length === 0 ? inner.only : null;
      found.push({
        expression: sequence(
          anchored ? empty : anything,
          inner.expression,
          ends ? empty : anything,
        ),
        least: inner.least,
        most: anchored && ends ? inner.most : Infinity,
      });
    } while (this.take('|'));
    if (this.at < this.source.length) this.refuse(`"${this.source[this.at]}" is not closed`);
    return { ...either(found), only: found.length === 1 ? only : null };
  }

  /** Up to `|`, `)`, `$` or the end. */
  private sequence(): Pattern {
    const parts: Part[] = [];
    let only: Expression | null = null;
    for (;;) {
      const next = this.source[this.at];
      if (next === undefined || next === '|' || next === ')' || next === '$') break;
      const from = this.at;
      const atom = this.atom();
      const isClass = atom.least === 1 && atom.most === 1 && this.source[from] !== '(';
      const part = this.quantified(atom);
      only = parts.length === 0 && isClass ? atom.expression : null;
      parts.push(part);
    }
    return {
      expression: sequence(...parts.map(({ expression }) => expression)),
      least: parts.reduce((sum, { least }) => sum + least, 0),
      most: parts.reduce((sum, { most }) => sum + most, 0),
      only: parts.length === 1 ? only : null,
    };
  }

  private atom(): Part {
    const next = this.source[this.at]!;
    if (next === '(') return this.group();
    if (next === '[') return one(this.class());
    if ('*+?{'.includes(next)) this.refuse(`nothing stands before "${next}"`);
    if (next === '^') this.refuse('"^" is supported at the beginning only');
    this.at++;
    if (next === '.') return one(complement(LINE_END));
    if (next === '\\') return one(this.escape());
    // Half a surrogate pair can't be met alone.
    const code = this.source.codePointAt(this.at - 1)!;
    if (code > 0xffff) this.at++;
    return one([[code, code]]);
  }

  private group(): Part {
    if (++this.depth > MAX_GROUP_DEPTH)
      this.refuse(`groups nest more than ${MAX_GROUP_DEPTH} deep`);
    this.at++;
    if (this.take('?') && !this.take(':')) {
      const name = /^<\w+>/.exec(this.source.slice(this.at));
      if (!name) this.refuse('"(?" is supported as a group without a capture only');
      this.at += name[0].length;
    }
    const ways: Part[] = [];
    do ways.push(this.sequence());
    while (this.take('|'));
    if (this.source[this.at] === '$') this.refuse('"$" is supported at the end only');
    if (!this.take(')')) this.refuse('"(" is not closed');
    this.depth--;
    return either(ways);
  }

  /** `[…]` */
  private class(): CodePoints {
    this.at++;
    const isNegated = this.take('^');
    const sets: CodePoints[] = [];
    while (!this.take(']')) {
      if (this.at >= this.source.length) this.refuse('"[" is not closed');
      const low = this.classMember();
      const ranges = this.source[this.at] === '-' && this.source[this.at + 1] !== ']';
      if (!ranges) {
        sets.push(low);
        continue;
      }
      this.at++;
      const high = this.classMember();
      const [from, to] = [single(low), single(high)];
      if (from === null || to === null || from > to)
        this.refuse('a range of characters is not one');
      sets.push([[from, to]]);
    }
    const set = union(...sets);
    return isNegated ? complement(set) : set;
  }

  private classMember(): CodePoints {
    const code = this.source.codePointAt(this.at);
    if (code === undefined) this.refuse('"[" is not closed');
    this.at += code > 0xffff ? 2 : 1;
    if (code !== 0x5c) return [[code, code]];
    if (this.take('b')) return [[8, 8]];
    return this.escape();
  }

  /** Behind a backslash. */
  private escape(): CodePoints {
    const rest = this.source.slice(this.at);
    const hex = /^(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|u\{([\da-fA-F]{1,6})\})/.exec(rest);
    if (hex) {
      this.at += hex[0].length;
      const code = Number.parseInt(hex[1] ?? hex[2] ?? hex[3]!, 16);
      return [[code, code]];
    }
    const next = rest[0];
    if (next === undefined) this.refuse('it ends with a backslash');
    this.at++;
    if (CLASSES[next]) return CLASSES[next];
    if (CONTROLS[next] !== undefined) return [[CONTROLS[next], CONTROLS[next]]];
    if (/[A-Za-z\d]/.test(next)) this.refuse(`"\\${next}" is not supported`);
    const code = next.charCodeAt(0);
    return [[code, code]];
  }

  private quantified(part: Part): Part {
    const counts = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.source.slice(this.at));
    if (!counts) {
      if (this.source[this.at] === '{') this.refuse('"{" must be escaped');
      return part;
    }
    this.at += counts[0].length;
    const [, sign, low, comma, high] = counts;
    const least = sign ? (sign === '+' ? 1 : 0) : Number(low);
    const most = sign ? (sign === '?' ? 1 : Infinity) : comma ? Number(high || Infinity) : least;
    if (Math.max(least, most === Infinity ? 0 : most) > MAX_REPEAT) {
      this.refuse(`repeats more than ${MAX_REPEAT} times`);
    }
    if (least > most) this.refuse('a quantifier is out of order');
    if ('*+?'.includes(this.source[this.at] ?? ' ')) this.refuse('a quantifier is quantified');
    return {
      expression: repeat(part.expression, least, most),
      least: part.least * least,
      most: part.most === 0 ? 0 : part.most * most,
    };
  }

  private take(text: string): boolean {
    if (this.source[this.at] !== text) return false;
    this.at++;
    return true;
  }

  private refuse(what: string): never {
    throw new PatternRefused(`${what} (at character ${this.at})`);
  }
}

function one(set: CodePoints): Part {
  return { expression: character(set), least: 1, most: 1 };
}

function either(ways: readonly Part[]): Part {
  if (ways.length === 1) return ways[0]!;
  return {
    expression: choice(...ways.map(({ expression }) => expression)),
    least: Math.min(...ways.map(({ least }) => least)),
    most: Math.max(...ways.map(({ most }) => most)),
  };
}

function single(set: CodePoints): number | null {
  const [range] = set;
  return set.length === 1 && range![0] === range![1] ? range![0] : null;
}

/** JSON's own grammar (RFC 8259), in one spelling on one line or with bounded white space. */
import {
  byte,
  call,
  choice,
  type Expression,
  empty,
  literal,
  optional,
  Rule,
  repeat,
  sequence,
  shared,
} from './expression.ts';

/** Digits before and after the point: what a double distinguishes. */
const MAX_DIGITS = 15;
/** Spaces at the beginning of a line. */
const MAX_INDENT = 32;

/** How structure is spelled between values. */
export interface Spacing {
  comma: Expression;
  colon: Expression;
  /** Behind an opening bracket and before a closing one. */
  inside: Expression;
}

/**
 * One line, with a space after commas and colons: Python's `json.dumps`, which is
 * how chat templates and most training data spell JSON. With one spelling the
 * structure is forced, and what is forced is drafted for nothing.
 */
export const ONE_LINE: Spacing = { comma: literal(', '), colon: literal(': '), inside: empty };

/** A space, or a new line and its indent; never without end, which models fall into. */
const gap = optional(
  choice(literal(' '), sequence(literal('\n'), repeat(byte([0x20, 0x20]), 0, MAX_INDENT))),
);
export const FREE: Spacing = {
  comma: sequence(literal(','), gap),
  colon: sequence(literal(':'), optional(literal(' '))),
  inside: gap,
};

const continuation = byte([0x80, 0xbf]);
/** A character beyond ASCII: well-formed UTF-8 (Unicode 3.9, table 3-7). */
export const nonAscii = choice(
  sequence(byte([0xc2, 0xdf]), continuation),
  sequence(byte([0xe0, 0xe0]), byte([0xa0, 0xbf]), continuation),
  sequence(byte([0xe1, 0xec], [0xee, 0xef]), continuation, continuation),
  sequence(byte([0xed, 0xed]), byte([0x80, 0x9f]), continuation),
  sequence(byte([0xf0, 0xf0]), byte([0x90, 0xbf]), continuation, continuation),
  sequence(byte([0xf1, 0xf3]), continuation, continuation, continuation),
  sequence(byte([0xf4, 0xf4]), byte([0x80, 0x8f]), continuation, continuation),
);
const hex = byte([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]);
/** Not of surrogates: half a pair is no character, and a length counts characters. */
const unicodeEscape = sequence(
  literal('u'),
  choice(
    sequence(byte([0x30, 0x39], [0x41, 0x43], [0x45, 0x46], [0x61, 0x63], [0x65, 0x66]), hex),
    sequence(byte([0x44, 0x44], [0x64, 0x64]), byte([0x30, 0x37])),
  ),
  hex,
  hex,
);
const escaped = sequence(
  literal('\\'),
  // " / \ b f n r t
  choice(
    byte([0x22, 0x22], [0x2f, 0x2f], [0x5c, 0x5c], [0x62, 0x62], [0x66, 0x66], [0x6e, 0x6e]),
    byte([0x72, 0x72], [0x74, 0x74]),
    unicodeEscape,
  ),
);
/** All of ASCII but control characters, the quote and the backslash. */
export const PLAIN_ASCII = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7f],
] as const;
const character = choice(byte(...PLAIN_ASCII), nonAscii, escaped);
const quote = literal('"');

/** @param least @param most characters */
export function string(least = 0, most = Infinity): Expression {
  return sequence(quote, repeat(character, least, most, true), quote);
}

const digit = byte([0x30, 0x39]);
const natural = choice(
  literal('0'),
  sequence(byte([0x31, 0x39]), repeat(digit, 0, MAX_DIGITS - 1)),
);
const minus = optional(literal('-'));
const exponent = sequence(
  byte([0x45, 0x45], [0x65, 0x65]),
  optional(byte([0x2b, 0x2b], [0x2d, 0x2d])),
  repeat(digit, 1, 2),
);
export const integer = sequence(minus, natural);
export const number = sequence(
  minus,
  natural,
  optional(sequence(literal('.'), repeat(digit, 1, MAX_DIGITS))),
  optional(exponent),
);
export const boolean = choice(literal('true'), literal('false'));

/** `[` items `]`, at least `least` and at most `most`. */
export function array(item: Expression, spacing: Spacing, least = 0, most = Infinity): Expression {
  const { comma, inside } = spacing;
  const one = shared(item);
  const more = sequence(
    one,
    repeat(sequence(comma, one), Math.max(0, least - 1), Math.max(0, most - 1)),
  );
  if (most === 0) return sequence(literal('['), inside, literal(']'));
  const items = sequence(more, inside);
  return sequence(literal('['), inside, least > 0 ? items : optional(items), literal(']'));
}

/** Any value, and any object. */
export function anyValue(spacing: Spacing): { value: Expression; object: Expression } {
  const value = new Rule();
  const object = new Rule();
  const member = shared(sequence(string(), spacing.colon, call(value)));
  const members = sequence(member, repeat(sequence(spacing.comma, member), 0, Infinity));
  object.body = sequence(
    literal('{'),
    spacing.inside,
    optional(sequence(members, spacing.inside)),
    literal('}'),
  );
  value.body = choice(
    call(object),
    array(call(value), spacing),
    shared(string()),
    number,
    boolean,
    literal('null'),
  );
  return { value: call(value), object: call(object) };
}

/** One certain value, spelled on one line. */
export function constant(value: unknown): Expression {
  return literal(spelled(value));
}

function spelled(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spelled).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, inner]) => `${JSON.stringify(key)}: ${spelled(inner)}`,
  );
  return `{${members.join(', ')}}`;
}

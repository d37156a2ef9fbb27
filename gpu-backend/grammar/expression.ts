/**
 * What a grammar is written in: sets of bytes, one after the other, chosen,
 * repeated and called by rule. Bytes and not characters, since tokens may end
 * inside a character.
 */

export type Expression =
  | { readonly kind: 'literal'; readonly bytes: Uint8Array }
  | { readonly kind: 'byte'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly among: readonly Expression[] }
  | {
      readonly kind: 'repeat';
      readonly what: Expression;
      readonly least: number;
      /** Infinity for no end. */
      readonly most: number;
      /** Whether this is the inside of a JSON string, each time round one character of it. */
      readonly text: boolean;
    }
  | { readonly kind: 'call'; readonly rule: Rule };

/** A named expression, which may call itself: its body is set once it is known. */
export class Rule {
  body: Expression;
  constructor(body: Expression = empty) {
    this.body = body;
  }
}

/** Ranges of bytes, both ends included. */
export type ByteSet = readonly (readonly [from: number, to: number])[];

const utf8 = new TextEncoder();

/** Matches nothing and is always there. */
export const empty: Expression = { kind: 'sequence', parts: [] };
/** Matches nothing and is never there. */
export const never: Expression = { kind: 'choice', among: [] };

export function literal(text: string): Expression {
  return text === '' ? empty : { kind: 'literal', bytes: utf8.encode(text) };
}

export function byte(...set: ByteSet): Expression {
  return { kind: 'byte', set };
}

export function sequence(...parts: Expression[]): Expression {
  return { kind: 'sequence', parts };
}

export function choice(...among: Expression[]): Expression {
  return { kind: 'choice', among };
}

export function optional(what: Expression): Expression {
  return choice(what, empty);
}

export function repeat(what: Expression, least: number, most: number, text = false): Expression {
  return { kind: 'repeat', what, least, most, text };
}

/** One copy of `what`, however often it is used. */
export function shared(what: Expression): Expression {
  return call(new Rule(what));
}

export function call(rule: Rule): Expression {
  return { kind: 'call', rule };
}

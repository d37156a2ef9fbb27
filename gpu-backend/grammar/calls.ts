/**
 * Calls of functions as a model writes them: what begins a call, a JSON object
 * with the function's name and its arguments, what ends it.
 */
import {
  byte,
  call,
  choice,
  type Expression,
  literal,
  optional,
  Rule,
  repeat,
  sequence,
} from './expression.ts';
import { type SchemaGrammar, schemaGrammar } from './schema/reader.ts';

/** Calls of one answer. */
const MAX_CALLS = 8;

export interface CallForm {
  /** What surrounds a call, like `<tool_call>\n` and `\n</tool_call>`. */
  begin: string;
  end: string;
  functions: readonly { name: string; parameters: unknown; strict?: boolean }[];
  /** Whether text may come before the first call, or instead of it. */
  free: boolean;
  /** Whether more than one call may follow each other. */
  many: boolean;
}

/** Throws `GrammarRefused`. */
export function callsGrammar(form: CallForm): SchemaGrammar {
  const schemas = form.functions.map(({ parameters, strict }, i) =>
    schemaGrammar(parameters, ['functions', i, 'parameters'], strict !== false),
  );
  return {
    expression: callsExpression(
      form,
      schemas.map(({ expression }) => expression),
    ),
    unenforced: schemas.flatMap(({ unenforced }) => unenforced),
  };
}

function callsExpression(
  { begin, end, functions, free, many }: CallForm,
  argumentsOf: readonly Expression[],
): Expression {
  const bodies = functions.map(({ name }, i) =>
    sequence(
      literal(`{"name": ${JSON.stringify(name)}, "arguments": `),
      argumentsOf[i]!,
      literal('}'),
    ),
  );
  const body = call(new Rule(sequence(choice(...bodies), literal(end))));
  const more = repeat(sequence(literal(`\n${begin}`), body), 0, many ? MAX_CALLS - 1 : 0);
  const calls = sequence(body, more);
  if (!free) return sequence(literal(begin), calls);
  // What names the mark means it: white space after it is not waited for.
  const mark = begin.trimEnd() || begin;
  return textUntil(mark, sequence(literal(begin.slice(mark.length)), calls));
}

/**
 * Any bytes, and once they say `mark`, what comes `then`. Knuth, Morris and Pratt's
 * automaton: a rule for each length of the mark that the text may end with.
 */
function textUntil(mark: string, then: Expression): Expression {
  const bytes = new TextEncoder().encode(mark);
  const rules = Array.from(bytes, () => new Rule());
  rules.forEach((rule, length) => {
    const ways = Array.from(rules, () => [] as (readonly [number, number])[]);
    let whole: Expression | null = null;
    for (let value = 0; value < 256; value++) {
      const next = matched(bytes, [...bytes.subarray(0, length), value]);
      if (next === bytes.length) whole = sequence(byte([value, value]), then);
      else ways[next]!.push([value, value]);
    }
    rule.body = optional(
      choice(
        ...(whole ? [whole] : []),
        ...ways.flatMap((set, next) =>
          set.length > 0 ? [sequence(byte(...set), call(rules[next]!))] : [],
        ),
      ),
    );
  });
  return call(rules[0]!);
}

/** The longest beginning of `mark` that `text` ends with. */
function matched(mark: Uint8Array, text: readonly number[]): number {
  for (let length = Math.min(mark.length, text.length); ; length--) {
    if (text.slice(text.length - length).every((value, i) => value === mark[i])) return length;
  }
}

/**
 * Keys of members that a schema does not name. They must not be one of those it
 * names, not in another spelling either, so they have no escapes.
 */
import { byte, choice, type Expression, literal, repeat, sequence } from '../expression.ts';
import { nonAscii, PLAIN_ASCII } from '../json.ts';

type Level = { ends: boolean; next: Map<string, Level> };

/** Any string without escapes that is none of `names`, some that begin like a name beyond ASCII left out. */
export function otherKeys(names: readonly string[]): Expression {
  const root: Level = { ends: false, next: new Map() };
  for (const name of names) {
    // A name that must be escaped can't be met without escapes.
    if (JSON.stringify(name) !== `"${name}"`) continue;
    let at = root;
    for (const character of name) {
      const next = at.next.get(character) ?? { ends: false, next: new Map() };
      at.next.set(character, next);
      at = next;
    }
    at.ends = true;
  }
  return sequence(literal('"'), unlike(root), literal('"'));
}

const ascii = byte(...PLAIN_ASCII);
const anything = repeat(choice(ascii, nonAscii), 0, Infinity);

/** What may follow where a key is like the beginning of names so far. */
function unlike({ ends, next }: Level): Expression {
  const taken = [...next.keys()];
  const ways = taken.map((character) => sequence(literal(character), unlike(next.get(character)!)));
  const free = PLAIN_ASCII.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i),
  ).filter((value) => !next.has(String.fromCharCode(value)));
  const others: Expression[] = [byte(...free.map((value) => [value, value] as const))];
  if (taken.every((character) => character.codePointAt(0)! < 0x80)) others.push(nonAscii);
  ways.push(sequence(choice(...others), anything));
  if (!ends) ways.push(sequence());
  return choice(...ways);
}

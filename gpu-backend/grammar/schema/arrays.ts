/** `type: "array"`: items, the first ones by their place, how many. */
import {
  choice,
  type Expression,
  empty,
  literal,
  never,
  repeat,
  sequence,
  shared,
} from '../expression.ts';
import * as json from '../json.ts';
import type { GrammarPath } from '../refused.ts';
import { counts, type Enforcement, refuse, type Schema } from './enforcement.ts';

export const ARRAY_KEYWORDS = ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'];

const MAX_PREFIX_ITEMS = 512;
const { comma } = json.ONE_LINE;

/** Reads a schema inside the array's. */
type Read = (schema: unknown, path: GrammarPath) => Expression;

/** Throws `GrammarRefused`. */
export function arrayExpression(
  schema: Schema,
  path: GrammarPath,
  enforcement: Enforcement,
  read: Read,
): Expression {
  const [least, most] = counts(schema, path, 'minItems', 'maxItems');
  // What came before would have to be remembered, whole.
  if (schema.uniqueItems === true)
    enforcement.leaveOut([...path, 'uniqueItems'], "can't be held to");
  const rest = read(schema.items ?? true, [...path, 'items']);
  const { prefixItems } = schema;
  if (prefixItems === undefined) return json.array(rest, json.ONE_LINE, least, most);
  if (!Array.isArray(prefixItems) || prefixItems.length > MAX_PREFIX_ITEMS) {
    refuse([...path, 'prefixItems'], `must be a list of at most ${MAX_PREFIX_ITEMS} schemas`);
  }
  const items = prefixItems
    .slice(0, most)
    .map((item, i) => read(item, [...path, 'prefixItems', i]));
  return sequence(literal('['), itemsInOrder(items, rest, least, most), literal(']'));
}

/** `first` in their order, then any number of `rest`. As many as may be left out at the end. */
function itemsInOrder(
  first: readonly Expression[],
  rest: Expression,
  least: number,
  most: number,
): Expression {
  const n = first.length;
  const more = sequence(comma, shared(rest));
  // A schema that takes nothing, `false`, ends the list.
  let after: Expression = choice(
    repeat(more, Math.max(0, least - n), Math.max(0, most - n)),
    ...(least <= n ? [empty] : []),
  );
  if (n === 0) return json.array(rest, json.ONE_LINE, least, most);
  for (let i = n - 1; i >= 0; i--) {
    const item = sequence(i > 0 ? comma : empty, first[i]!, after);
    after = i < least ? item : choice(item, empty);
  }
  return most === 0 ? (least === 0 ? empty : never) : after;
}

/**
 * Python's `==`, `!=`, `in` and `not in` for chat templates. @huggingface/jinja compares with
 * JavaScript's, for which an empty string equals `false`, so that Llama 2's template leaves out
 * an empty system turn, and no list equals another. Each comparison in a parsed template
 * becomes a call of a function that a template can't name.
 *
 * Two limits: the tests of `selectattr` and `rejectattr`, `eq` and `equalto`, stay the engine's,
 * by which no list equals another; and `none` equals what is not defined, as the engine hands
 * over both alike.
 */
import type { Template } from '@huggingface/jinja';

/** No identifier of a template has a blank. */
const EQUAL = 'python equal';
const CONTAINED = 'python in';

/** What the rewritten template must be rendered with. */
export const PYTHON_EQUALITY: Readonly<Record<string, unknown>> = {
  [EQUAL]: equal,
  [CONTAINED]: isContained,
};

/** The function of each operator, and whether its result is negated. */
const CALLS: ReadonlyMap<string | undefined, readonly [name: string, negated: boolean]> = new Map([
  ['==', [EQUAL, false]],
  ['!=', [EQUAL, true]],
  ['in', [CONTAINED, false]],
  ['not in', [CONTAINED, true]],
]);

/** Rewrites `template`, once and in place. O(its nodes). */
export function comparesAsPython(template: Template): Template {
  rewrite(template.parsed);
  return template;
}

/** How the engine hands over the items of a list and the values of a mapping. */
interface Wrapped {
  value: unknown;
}

/** O(both). A tuple comes as a list, so it equals one. */
function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every(({ value }, i) => equal(value, b[i].value));
  }
  if (a instanceof Map && b instanceof Map) return a.size === b.size && hasEntries(b, a);
  return comparable(a) === comparable(b);
}

function hasEntries(whole: Map<unknown, Wrapped>, part: Map<unknown, Wrapped>): boolean {
  for (const [key, { value }] of part) {
    if (!whole.has(key) || !equal(whole.get(key)!.value, value)) return false;
  }
  return true;
}

/** True is 1 in Python. */
function comparable(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}

/** Throws an Error for what Python's `in` refuses. */
function isContained(item: unknown, container: unknown): boolean {
  if (container === undefined) return false;
  if (Array.isArray(container)) return container.some(({ value }) => equal(value, item));
  if (container instanceof Map) return container.has(item);
  if (typeof container === 'string' && typeof item === 'string') return container.includes(item);
  throw new TypeError(`"in" looks for a text in a text, or for anything in a list or a mapping`);
}

interface ParsedNode {
  type?: string;
  operator?: { value: string };
  left?: unknown;
  right?: unknown;
}

function rewrite(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of node instanceof Map ? [...node].flat() : Object.values(node)) rewrite(child);
  const { type, operator, left, right } = node as ParsedNode;
  const asked = type === 'BinaryExpression' ? CALLS.get(operator?.value) : undefined;
  if (!asked) return;
  const [name, negated] = asked;
  const call = {
    type: 'CallExpression',
    callee: { type: 'Identifier', value: name },
    args: [left, right],
  };
  const not = { type: 'UnaryExpression', operator: { value: 'not' }, argument: call };
  Object.assign(node, negated ? not : call);
}

/**
 * Python's `==` for chat templates. @huggingface/jinja compares with JavaScript's, for which
 * an empty string equals `false`: Llama 2's template then leaves out an empty system turn.
 * Each comparison in a parsed template becomes a call of the function that a template can't name.
 */
import type { Template } from '@huggingface/jinja';

/** No identifier of a template has a blank. */
const NAME = 'python equal';

/** What the rewritten template must be rendered with. */
export const PYTHON_EQUALITY: Readonly<Record<string, unknown>> = { [NAME]: equal };

/** Rewrites `template`, once and in place. O(its nodes). */
export function comparesAsPython(template: Template): Template {
  rewrite(template.parsed);
  return template;
}

function equal(a: unknown, b: unknown): boolean {
  return comparable(a) === comparable(b);
}

/** True is 1 in Python. */
function comparable(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}

interface Node {
  type?: string;
  operator?: { value: string };
  left?: unknown;
  right?: unknown;
}

function rewrite(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of node instanceof Map ? [...node].flat() : Object.values(node)) rewrite(child);
  const { type, operator, left, right } = node as Node;
  if (type !== 'BinaryExpression' || (operator?.value !== '==' && operator?.value !== '!=')) return;
  const call = {
    type: 'CallExpression',
    callee: { type: 'Identifier', value: NAME },
    args: [left, right],
  };
  const negated = { type: 'UnaryExpression', operator: { value: 'not' }, argument: call };
  Object.assign(node, operator.value === '==' ? call : negated);
}

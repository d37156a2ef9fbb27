/** What is wrong with a value, in this API's words: the schema library's own never reach a client. */
import * as v from 'valibot';

/** Names what is wrong with an object: a field too many, one missing, or no object at all. */
function shape(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'never') return 'is not supported: leave it out';
  return issue.received === 'undefined' ? 'is required' : 'must be an object';
}

const KINDS: Record<string, string> = {
  array: 'must be a list',
  boolean: 'must be true or false',
  file: 'must be a file',
  integer: 'must be an integer',
  never: 'is not supported: leave it out',
  null: 'must be null',
  number: 'must be a number',
  record: 'must be an object',
  regex: 'has a form that is not supported',
  safe_integer: 'must be an integer',
  string: 'must be a string',
  to_number: 'must be a number',
};

/** Of a schema that says nothing itself. */
function messageOf(issue: v.BaseIssue<unknown>): string {
  if (issue.kind === 'schema' && issue.received === 'undefined') return 'is required';
  const { type, expected } = issue;
  const limit = String(issue.requirement);
  if (type === 'min_value') return `must be at least ${limit}`;
  if (type === 'max_value') return `must be at most ${limit}`;
  if (type === 'min_length' || type === 'min_entries') return `must have at least ${limit}`;
  if (type === 'max_length' || type === 'max_entries') return `must have at most ${limit}`;
  if (type.endsWith('object')) return shape(issue);
  // Values that are written out, as `("a" | "b")`.
  if (expected && /^\(?"/.test(expected)) {
    return `must be ${expected.replace(/^\(|\)$/g, '').replaceAll(' | ', ' or ')}`;
  }
  return KINDS[type] ?? 'has a value that is not supported';
}

v.setGlobalMessage(messageOf);

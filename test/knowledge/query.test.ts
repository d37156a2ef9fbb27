/** Any text is a safe search query. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_QUERY_TERMS, matchQuery } from '../../src/retrieve/query.ts';

test('words that tell nothing are left out, unless there are no others', () => {
  expect(matchQuery('How do I prune a pear?')).toBe('"prune" OR "pear"');
  expect(matchQuery('to be or not to be')).toBe('"to" OR "be" OR "or" OR "not"');
});

test('characters that nobody sees part no word', () => {
  expect(matchQuery('pru\u00adning\u200b shears\ufeff')).toBe('"pruning" OR "shears"');
});

test('text without words is no query', () => {
  for (const text of ['', ' \n', '"*()', '🍐']) expect(matchQuery(text)).toBeUndefined();
});

test('whatever is asked, the query is quoted words joined by OR, and not too many', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
      const query = matchQuery(text);
      if (query === undefined) return;
      expect(query).toMatch(/^"[^"\0]+"\*?(?: OR "[^"\0]+"\*?)*$/);
      expect(query.split(' OR ').length).toBeLessThanOrEqual(MAX_QUERY_TERMS);
    }),
  );
});

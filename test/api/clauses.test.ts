/** The tests that docs/api.md names exist. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('every clause of the API document names a test that is there', () => {
  const rows = [...read('docs/api.md').matchAll(/^\| (.+) \| `(test\/\S+)` (.+) \|$/gm)];
  expect(rows.length).toBeGreaterThan(30);
  const missing = rows.filter(([, , path, name]) => !read(path!).includes(`'${name}'`));
  expect(missing.map(([row]) => row)).toEqual([]);
});

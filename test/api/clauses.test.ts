/** The tests that docs/api.md names exist, and run. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('every clause of the API document names a test that is there', () => {
  const rows = [...read('docs/api.md').matchAll(/^\| (.+) \| `(test\/\S+)` (.+) \|$/gm)];
  expect(rows.length).toBeGreaterThan(30);
  const missing = rows.filter(([, , path, name]) => !read(path!).includes(`'${name}'`));
  expect(missing.map(([row]) => row)).toEqual([]);
});

test('no test is left out, and none runs alone', () => {
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => `test/${file}`);
  expect(files.length).toBeGreaterThan(50);
  const leftOut = files.filter((file) =>
    /\b(test|describe|it)\.(skip|only|todo|fails)\b/.test(read(file)),
  );
  expect(leftOut).toEqual([]);
});

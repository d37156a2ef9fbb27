/** Docs/reliability.md promises a test for every fault: it is there, under the name given. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';

/** Cells of the last column, by fault: `` `folder/file` words of its title``, separated by semicolons. */
function promises(): [fault: string, promise: string][] {
  const page = readFileSync(join(ROOT, 'docs/reliability.md'), 'utf8');
  const [, table] = page.split('| fault | what happens | test |\n|---|---|---|\n');
  return table!.split('\n').flatMap((row) => {
    const [, fault, , tests] = row.split('|').map((cell) => cell.trim());
    if (!fault || !tests) return [];
    return tests.split('; ').map((promise): [string, string] => [fault, promise]);
  });
}

test.each(promises())('%s: %s', (_, promise) => {
  const [, file, title] = /^`([\w/-]+)` (.+)$/.exec(promise)!;
  const path = ['', '.slow']
    .map((kind) => join(ROOT, 'test', `${file}${kind}.test.ts`))
    .find(existsSync);
  expect(path).toBeDefined();
  expect(readFileSync(path!, 'utf8')).toContain(title);
});

test('the table names many faults', () => {
  expect(promises().length).toBeGreaterThan(25);
});

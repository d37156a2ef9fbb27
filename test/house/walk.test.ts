/** README's walk through the code names files that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';

test('every source file that README names exists', () => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const paths = [...text.matchAll(/`((?:src|gpu-backend)\/[\w/-]+\.ts)`/g)].map(
    ([, path]) => path!,
  );
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

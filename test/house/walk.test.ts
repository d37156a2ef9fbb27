/** README's walk through the code names files that are there, and in its first column those where something happens. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

function pathsIn(text: string): string[] {
  return [...text.matchAll(/`((?:src|gpu-backend)\/[\w/-]+\.ts)`/g)].map(([, path]) => path!);
}

test('every source file that README names exists', () => {
  const paths = pathsIn(README);
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test('no station of the walk is a file of types alone', () => {
  const stations = README.split('\n').flatMap((line) =>
    line.startsWith('| `') ? pathsIn(line.split(' | ')[0]!) : [],
  );
  expect(stations.length).toBeGreaterThan(20);
  const idle = stations.filter((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return !/^(export )?(abstract |async )*(class|function|const) |^export default /m.test(text);
  });
  expect(idle).toEqual([]);
});

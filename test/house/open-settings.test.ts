/** docs/protocol.md tells every setting of `open`, and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** The interface's fields, those inside `sampling` as `sampling.seed`; with `?` what may be left out. */
function declared(): string[] {
  const [, body] = /export interface OpenSettings \{\n(.*?)\n\}/s.exec(
    read('src/link/protocol/open.ts'),
  )!;
  let group = '';
  return body!.split('\n').flatMap((line) => {
    const [, indent, name, optional, opens] = /^( +)(\w+)(\??): (\{$)?/.exec(line) ?? [];
    if (!name) return [];
    if (opens) group = `${name}.`;
    return opens ? [] : [`${indent!.length > 2 ? group : ''}${name}${optional}`];
  });
}

function documented(): string[] {
  const [, table] = /settings are an object[^|]+(\|.*?)\n\n/s.exec(read('docs/protocol.md'))!;
  return [...table!.matchAll(/^\| `([\w.]+)` \|[^|]+\|[^|]+\| (.+) \|$/gm)].map(
    ([, name, absent]) => `${name}${absent === 'needed' ? '' : '?'}`,
  );
}

test('every setting of `open` has its row in the protocol', () => {
  const fields = declared();
  expect(fields.length).toBeGreaterThan(15);
  expect(documented().sort()).toEqual(fields.sort());
});

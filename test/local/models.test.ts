/** The short names of models, in the help of `npm start` and in the documentation. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placeOf } from '../../gpu-backend/builder/known-models.ts';
import { MODELS_HELP } from '../../local/models.ts';
import { ROOT } from '../../local/root.ts';

const NAMES = ['smollm2-135m', 'smollm2-360m', 'qwen2.5-coder-0.5b'];

test.each(NAMES)('%s is a place on the hub, in any case of letters', (name) => {
  const hub = placeOf(name);
  expect(hub).toMatch(/^[\w-]+\/[\w.-]+-Instruct$/);
  expect(hub.toLowerCase()).toContain(name);
  expect(placeOf(name.toUpperCase())).toBe(hub);
});

test.each([
  'Qwen/Qwen2.5-0.5B-Instruct',
  './smollm2-135m',
  '/models/model.gguf',
  'smollm2',
  'constructor',
  '__proto__',
])('%s is taken as it is', (asked) => {
  expect(placeOf(asked)).toBe(asked);
});

test('help and documentation list every name, with its place and what it takes', () => {
  const docs = readFileSync(join(ROOT, 'docs/quickstart.md'), 'utf8');
  const listed = [
    ...MODELS_HELP.matchAll(
      /^ {2}([a-z][\w.-]+) +(\S+), .*?: (\d+) MB .*?, (\d+) MB of memory, (?:tried (.+)|not tried)$/gm,
    ),
  ];
  expect(listed.map(([, name]) => name)).toEqual(NAMES);
  for (const [, name, hub, download, memory, tried] of listed) {
    expect(docs).toContain(
      `| \`${name}\` | ${hub} | ${download} MB | ${memory} MB | Apache-2.0 | ${tried ?? 'no:'}`,
    );
  }
  expect(MODELS_HELP).toMatch(/smollm2-360m .*, not tried$/m);
});

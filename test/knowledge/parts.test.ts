/** A document whole, in parts: nothing of it is lost, and the right parts are found. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { parseMarkdown } from '../../src/retrieve/parse/markdown/markdown.ts';
import { parsePlainText } from '../../src/retrieve/parse/plain-text.ts';
import { partsOf } from '../../src/retrieve/parts.ts';
import { rankParts } from '../../src/retrieve/rank-parts.ts';
import { TARGET } from '../support/model-server.ts';
import { parsed } from '../support/parsed.ts';

const read = (file: string) => JSON.parse(readFileSync(join(TARGET, file), 'utf8'));
const { encodeUntrusted } = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
const DOCS = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));

test.each(DOCS)(
  'the parts of %s have the tokens of its text, and no more than fit',
  async (name) => {
    const source = readFileSync(join(ROOT, 'docs', name), 'utf8');
    const parts = await partsOf(parsed(parseMarkdown(source, name)), 160, encodeUntrusted);
    expect(parts.flatMap(({ tokens }) => [...tokens])).toEqual([...encodeUntrusted(source)]);
    for (const { text, start, end, title } of parts) {
      expect(encodeUntrusted(text).length).toBeLessThanOrEqual(160);
      expect(title).toBe(parts[0]!.title);
      expect(start).toBeLessThan(end);
    }
  },
);

test('a part ends where pre-tokenizers split, also before a line that is indented', async () => {
  const source = ['one two three four.', '  - five six', '   seven   eight', '\t\tnine ten'];
  const text = Array.from({ length: 12 }, () => source.join('\n')).join('\n');
  for (const most of [8, 11, 16]) {
    const parts = await partsOf(parsed(parseMarkdown(text, 'a.md')), most, encodeUntrusted);
    expect(parts.length).toBeGreaterThan(5);
    expect(parts.flatMap(({ tokens }) => [...tokens])).toEqual([...encodeUntrusted(text)]);
  }
});

test('whatever the text, no character of it is lost', async () => {
  const byCharacter = (text: string) =>
    Int32Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  const anyText = fc.string({ unit: fc.constantFrom('a', 'é', '.', ' ', '\n', '\r', '\t', '#') });
  await fc.assert(
    fc.asyncProperty(anyText, async (source) => {
      const parts = await partsOf(parsed(parsePlainText(source, 'a.txt')), 5, byCharacter);
      const whole = parts.flatMap(({ tokens }) => [...tokens]);
      const expected = source.trim() === '' ? [] : [...byCharacter(source)];
      expect(whole).toEqual(expected);
    }),
  );
});

const part = (heading: string, text: string) => ({ title: 'Orchard', heading, text });
const PARTS = [
  part('Soil', 'Clay holds water, sand drains.'),
  part('How are pears pruned?', 'In July, and again in winter.'),
  part('Tools', 'A saw for boughs. Pruning takes secateurs, pears or not.'),
];

test('the part whose heading asks the same is found first, by stems and whatever the accents', () => {
  const ranked = rankParts(PARTS, 'Pruning a pêar', 3);
  expect(ranked.map(({ part: { heading } }) => heading)).toEqual([
    'How are pears pruned?',
    'Tools',
  ]);
  expect(ranked[0]!.score).toBe(1);
  expect(ranked[1]!.score).toBeLessThan(1);
  expect(rankParts(PARTS, 'Pruning a pear', 1)).toHaveLength(1);
  expect(rankParts(PARTS, '!?', 3)).toEqual([]);
  expect(rankParts([], 'pear', 3)).toEqual([]);
});

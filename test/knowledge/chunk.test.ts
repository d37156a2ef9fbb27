/** Passages hold all of a document's text, each within its size. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { chunk } from '../../src/retrieve/chunk.ts';
import { parseMarkdown } from '../../src/retrieve/parse/markdown/markdown.ts';
import { parsePlainText } from '../../src/retrieve/parse/plain-text.ts';
import { TARGET } from '../support/model-server.ts';
import { parsed } from '../support/parsed.ts';

const read = (file: string) => JSON.parse(readFileSync(join(TARGET, file), 'utf8'));
const { encodeUntrusted } = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));

const CUTTING = { maxTokens: 40, overlapTokens: 12 };
const passagesOf = (source: string) =>
  [...chunk(parsed(parseMarkdown(source, 'a.md')), CUTTING, encodeUntrusted)].flat();

test('a section that fits is one passage', () => {
  const [passage, ...rest] = passagesOf('# Pears\n\nSweet.\n\nSoft.');
  expect(rest).toEqual([]);
  expect(passage).toMatchObject({ title: 'Pears', heading: 'Pears', text: 'Sweet.\n\nSoft.' });
  expect(passage!.tokens).toEqual(encodeUntrusted('Sweet.\n\nSoft.'));
});

test('a longer one overlaps by whole blocks', () => {
  const paragraphs = Array.from({ length: 12 }, (_, i) => `Paragraph ${i} about pears.`);
  const passages = passagesOf(paragraphs.join('\n\n'));
  expect(passages.length).toBeGreaterThan(1);
  for (let i = 1; i < passages.length; i++) {
    const before = passages[i - 1]!.text.split('\n\n');
    const blocks = passages[i]!.text.split('\n\n');
    expect(blocks[0]).toBe(before[before.length - 1]);
    expect(before).not.toContain(blocks[blocks.length - 1]);
  }
  expect(new Set(passages.flatMap((p) => p.text.split('\n\n')))).toEqual(new Set(paragraphs));
});

test('a long document is cut in slices of bounded work, whatever its sections and blocks', () => {
  const sentence = 'The orchard stands behind the house. ';
  const sources = {
    'one long block': sentence.repeat(20_000),
    'many blocks': `${sentence.repeat(3)}\n\n`.repeat(7_000),
    'many sections': `# Pears\n\n${sentence}\n\n`.repeat(20_000),
  };
  for (const [name, source] of Object.entries(sources)) {
    let encoded = 0;
    const counting = (text: string) => {
      encoded += text.length;
      return new Int32Array(Math.ceil(text.length / 4));
    };
    let slices = 0;
    let before = 0;
    for (const _ of chunk(parsed(parseMarkdown(source, 'a.md')), CUTTING, counting)) {
      // What is encoded at once is a passage or a block that may be one, at most.
      expect(encoded - before, name).toBeLessThan(34_000);
      before = encoded;
      slices++;
    }
    expect(slices, name).toBeGreaterThan(20);
  }
});

test('no passage is too large, no word is lost', () => {
  const word = fc.stringMatching(/^[a-z]{1,12}$/);
  const paragraph = fc
    .array(word, { minLength: 1, maxLength: 120 })
    .map((words) => words.join(' '));
  fc.assert(
    fc.property(fc.array(paragraph, { minLength: 1, maxLength: 8 }), (paragraphs) => {
      const source = paragraphs.join('\n\n');
      const document = parsed(parsePlainText(source, 'a.txt'));
      const passages = [...chunk(document, CUTTING, encodeUntrusted)].flat();
      const found = new Set(passages.flatMap((passage) => passage.text.split(/\s+/)));
      for (const expected of source.split(/\s+/)) expect(found).toContain(expected);
      for (const { tokens, start, end } of passages) {
        expect(tokens.length).toBeLessThanOrEqual(CUTTING.maxTokens);
        expect(source.slice(start, end).trim()).not.toBe('');
      }
    }),
    { numRuns: 50 },
  );
});

test('a word without end is cut, and never through a character', () => {
  const passages = passagesOf('👩‍🌾'.repeat(400));
  expect(passages.length).toBeGreaterThan(1);
  for (const { text, tokens } of passages) {
    expect(tokens.length).toBeLessThanOrEqual(CUTTING.maxTokens);
    expect(text.isWellFormed()).toBe(true);
  }
});

/** A token for each character; blank lines between other characters than `a` cost many. */
const dearJoints = (cost: number) => (text: string) =>
  new Int32Array(text.replace(/\n\n/g, '').length + cost * (text.match(/7\n\n/g)?.length ?? 0));

test.each([
  ['dearer than they were counted as', 3, 0],
  ['so dear that what is repeated fills a passage', 12, 2_048],
])('joints that are %s take no more than some readings of the text', (_, cost, overlapTokens) => {
  const encode = dearJoints(cost);
  const source = Array.from({ length: 8_000 }, () => '7').join('\n\n');
  let encoded = 0;
  const passages = [
    ...chunk(
      parsed(parsePlainText(source, 'a.txt')),
      { maxTokens: 4_096, overlapTokens },
      (text) => {
        encoded += text.length;
        return encode(text);
      },
    ),
  ].flat();
  expect(encoded).toBeLessThan(60 * source.length);
  expect(passages.every(({ tokens }) => tokens.length <= 4_096)).toBe(true);
  expect(passages[0]!.start).toBe(0);
  expect(passages.at(-1)!.end).toBe(source.length);
  const gaps = passages.slice(1).map(({ start }, i) => start - passages[i]!.end);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(2);
});

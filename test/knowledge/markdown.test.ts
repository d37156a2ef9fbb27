/** Markdown becomes sections that read as the bundled model's training text did. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMarkdown } from '../../src/retrieve/parse/markdown.ts';

function sections(source: string, name = 'notes.md') {
  return parseMarkdown(source, name).sections.map(({ title, heading, blocks }) => ({
    title,
    heading,
    blocks: blocks.map((block) => block.text),
  }));
}

test('headings part sections and the first of level 1 is the title', () => {
  expect(sections('Intro.\n\n# Pears\n\nSweet.\n\n## Storing\n\nCool.\n\nDark.\n')).toEqual([
    { title: 'Pears', heading: 'Pears', blocks: ['Intro.'] },
    { title: 'Pears', heading: 'Pears', blocks: ['Sweet.'] },
    { title: 'Pears', heading: 'Storing', blocks: ['Cool.', 'Dark.'] },
  ]);
});

test('front matter names the title; else the file does', () => {
  expect(sections('---\ntitle: "All pears"\n---\n\nText.')[0]!.title).toBe('All pears');
  expect(sections('Text.', 'guides/pear-tree_care.md')[0]!.title).toBe('pear tree care');
});

test('markup goes, words and code spans stay', () => {
  const source = [
    'See [the guide](https://example.test/a_(b)) and ![a tree](tree.png)`[x](y)`.',
    '<Note>Water **well**.</Note> <!-- not this --> Done.',
    'import Tabs from "tabs"',
    '[ref]: https://example.test',
    '{/* nor',
    'this */}',
  ].join('\n');
  expect(sections(source)[0]!.blocks).toEqual([
    'See the guide and `[x](y)`.\nWater **well**.  Done.',
  ]);
});

test('a fenced block is one block, kept as it is but for its indentation', () => {
  const code = '  ```ts title="x"\n  # no heading\n\n\n  <!-- kept -->\n    a();\n  ```';
  expect(sections(`Before\n${code}\nAfter`)[0]!.blocks).toEqual([
    'Before',
    '```ts\n# no heading\n\n\n<!-- kept -->\n  a();\n```',
    'After',
  ]);
});

test('long tables are cut short', () => {
  const rows = Array.from({ length: 30 }, (_, row) => `| ${row} |`);
  const [block] = sections(rows.join('\n'))[0]!.blocks;
  expect(block!.split('\n')).toHaveLength(10);
});

test('a block stands where its range says', () => {
  const source = '# A\r\n\r\nFirst line\r\nsecond\r\n\r\n```\r\ncode\r\n```\r\n';
  for (const block of parseMarkdown(source, 'a.md').sections[0]!.blocks) {
    expect(source.slice(block.start, block.end).replaceAll('\r', '')).toBe(block.text);
  }
});

test('any text parses, with ranges in order and inside it', () => {
  const piece = fc.oneof(
    fc.constantFrom('# ', '```', '~~~\n', '<!--', '-->', '{/*', '|', '<a', '\n', '\n\n', '---\n'),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const source = pieces.join('');
      let last = 0;
      for (const section of parseMarkdown(source, 'x.md').sections) {
        for (const { text, start, end } of section.blocks) {
          expect(text.trim()).not.toBe('');
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThanOrEqual(start);
          last = end;
        }
      }
      expect(last).toBeLessThanOrEqual(source.length);
    }),
  );
});

test('lines made to be slow are not', () => {
  const hostile = ['[', '<a', '[a](', '{{%', '*a', '`', '\t ', '<!--', '# #'];
  const source = hostile.map((piece) => piece.repeat(300_000 / piece.length)).join('\n');
  expect(parseMarkdown(source, 'slow.md').text).toBe(source);
});

/** Markdown becomes sections that read as the bundled model's training text did. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMarkdown } from '../../src/retrieve/parse/markdown/markdown.ts';
import { parsed } from '../support/parsed.ts';

function sections(source: string, name = 'notes.md') {
  return parsed(parseMarkdown(source, name)).sections.map(({ title, heading, blocks }) => ({
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
    'See the guide and a tree`[x](y)`.\nWater **well**.  Done.',
  ]);
  const { leftOut } = parsed(parseMarkdown(source, 'notes.md'));
  expect(leftOut.map(({ name }) => name)).toEqual(['2 comments', '1 import']);
});

test('a fenced block is one block, kept as it is but for its indentation', () => {
  const code = '  ```ts title="x"\n  # no heading\n\n\n  <!-- kept -->\n    a();\n  ```';
  expect(sections(`Before\n${code}\nAfter`)[0]!.blocks).toEqual([
    'Before',
    '```ts\n# no heading\n\n\n<!-- kept -->\n  a();\n```',
    'After',
  ]);
});

/** The block texts of a page's only section. */
const blocks = (source: string, name?: string) => sections(source, name)[0]!.blocks;

test('tables are whole, however long they and their rows are', () => {
  const rows = Array.from({ length: 30 }, (_, row) => `| ${row} | ${'word '.repeat(100)}|`);
  expect(blocks(rows.join('\n'))).toEqual([rows.join('\n')]);
});

const KEPT: [what: string, source: string, text?: string][] = [
  ['prose that begins like an import', 'import refrigerated fruit,\nexport polished mirrors.'],
  ['a sentence about an import', 'import goods, says the form from "Rome", with care'],
  ['footnotes', 'Paid in March.[^1]\n[^1]: Three months of rent.'],
  ['what looks like a definition', '[Important]: The gate closes at eleven.'],
  ['a word that looks like a target', '[Important]: yes'],
  ['type parameters', 'It returns Map<String, Ocelot> and List<Item>.'],
  ['placeholders', 'Send <your-token> to <Name> with <name>.'],
  ['comparisons', 'Where a <b and c> d, and i <n but not > m.'],
  ['a line that begins like a tag', '<n items are left\nand more'],
  ['a comment mark in code', 'Write `<!--` first.\nThen the axolotl. -->'],
  ['a comment that nothing closes', 'Write <!-- first.\nThen the axolotl.'],
  ['code in one line', '```npm run ibex```\nText about the alpaca.'],
  ['indices', 'Set a[i][j] and f[x](a b c).'],
  ['words in square brackets', '[x] done, [see below] and [^2]'],
  ['an address of a mail', 'Ask <a@b.example>.', 'Ask a@b.example.'],
  ['an address', 'See <https://a.example/hours>.', 'See https://a.example/hours.'],
  ['the title of a link', 'See [it](/x "The guide").', 'See it (The guide).'],
  ['a description of a picture', '![A fox](fox.png) runs', 'A fox runs'],
  ['a description in a tag', '<img src="f.png" alt="A fox"> runs', ' A fox  runs'],
  ['words that tags part', 'one<br>two <b>th</b>ree', 'one two three'],
  ['entities', 'K&uuml;che &amp; Bad&nbsp;2, A&shy;B', 'Küche & Bad\u00A02, AB'],
  [
    'the title of a container',
    ':::note Mind the gap\nIt is wide.\n:::',
    'note Mind the gap\nIt is wide.',
  ],
  ['words of a shortcode', '{{< figure title="A fox" >}}', ' figure title="A fox"'],
  ['braces in a sentence', 'Set {#okapi} to <p {lemur}>.'],
  ['links in links', '[![A fox](f.png)](x.md) and [b](c_(d))', 'A fox and b'],
  ['a tag over lines', 'Text\n<img\n  src="f.png"\n  alt="A fox"\n/>\nmore', 'Text\n A fox\nmore'],
];

test.each(KEPT)('kept: %s', (_, source, text = source) => {
  expect(blocks(source)).toEqual([text]);
});

test('front matter is text but for its title', () => {
  const page = '---\ntitle: Pears\ndescription: All about quinces\ntags: [a, b]\n---\nSweet.\n';
  expect(sections(page)).toEqual([
    {
      title: 'Pears',
      heading: 'Pears',
      blocks: ['description: All about quinces\ntags: [a, b]', 'Sweet.'],
    },
  ]);
  // Rules around a paragraph are no front matter.
  expect(blocks('---\n\nA word.\n\n---\n\nMore.')).toEqual(['---', 'A word.', '---', 'More.']);
});

test('headings without text, and long ones, lose no word', () => {
  const long = `Long ${'heading '.repeat(20)}ends with an okapi`;
  const page = `# Pears\n\n## Storing\n\n### In sand\n\nDry.\n\n## ${long} {#long}\n\nText.\n\n## Last\n`;
  expect(sections(page).map(({ heading, blocks }) => [heading, ...blocks])).toEqual([
    ['In sand', 'Storing', 'Dry.'],
    [long.slice(0, 80).trim(), long, 'Text.'],
    ['Last', 'Last'],
  ]);
  expect(sections('# Only a title')).toMatchObject([{ blocks: ['Only a title'] }]);
});

test('code is code in a list, in an indent, and where its fence is never closed', () => {
  expect(blocks('- ```sh\n  # not a heading\n  ```\nText')).toEqual([
    '```sh\n# not a heading\n```',
    'Text',
  ]);
  expect(blocks('Text\n\n    <input name="walrus">\n')).toEqual([
    'Text',
    '    <input name="walrus">',
  ]);
  expect(blocks('```npm run ibex\n# more')).toEqual(['```npm run ibex\n# more']);
});

test('pictures written into the text are left out and named', () => {
  const data = `data:image/png;base64,${'iVBORw0KGgo'.repeat(100)}`;
  const document = parsed(parseMarkdown(`A ![fox](${data}) runs.\n\n[f]: ${data}\n`, 'a.md'));
  expect(document.sections[0]!.blocks.map(({ text }) => text)).toEqual(['A fox runs.']);
  expect(document.text.length).toBeLessThan(100);
  expect(document.leftOut).toEqual([{ name: '2 pictures', reason: expect.any(String) }]);
});

test('a picture of megabytes is one, as is what an SVG has inside', () => {
  const large = `data:image/png;base64,${'iVBORw0KGgo+/_='.repeat(1_100_000)}`;
  const svg = `data:image/svg+xml,${'%20'.repeat(100)}data:image/png;base64,${'a'.repeat(300)}`;
  const document = parsed(parseMarkdown(`![fox](${large}) and ![owl](${svg}).`, 'a.md'));
  expect(document.sections[0]!.blocks.map(({ text }) => text)).toEqual(['fox and owl.']);
  expect(document.leftOut).toMatchObject([{ name: '2 pictures' }]);
});

test('a block is where its range says', () => {
  const source = '# A\r\n\r\nFirst line\r\nsecond\r\n\r\n```\r\ncode\r\n```\r\n';
  for (const block of parsed(parseMarkdown(source, 'a.md')).sections[0]!.blocks) {
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
      for (const section of parsed(parseMarkdown(source, 'x.md')).sections) {
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
  const hostile = [
    ...[
      '[',
      '<a',
      '[a](',
      '{{%',
      '*a',
      '`',
      '\t ',
      '<!--',
      '# #',
      '<x a="',
      '<x a={',
      '[a]:',
      '&a',
    ],
    ...['(', '](', '|-', '_', '~~~', '{/*', '<a\n', '<!--\n', '[a]: b "', ':::', '\u00AD '],
  ];
  const spaces = ' '.repeat(300_000);
  const spaced = ['[a](^x y)', '[a]:^b "c"^d', '#^#^', '<a^b^', '```^`', '1.^x', '|^|', ':::^x^y'];
  const source = [
    ...hostile.map((piece) => piece.repeat(300_000 / piece.length)),
    ...spaced.map((line) => line.replaceAll('^', spaces)),
  ].join('\n');
  expect(parsed(parseMarkdown(source, 'slow.md')).text).toBe(source);
});

/**
 * A file that is one line of megabytes is read in slices like any other. What a slice
 * does is counted in matches of patterns, which are what takes the time.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from '../../src/retrieve/parse/parse.ts';
import { parsePlainText } from '../../src/retrieve/parse/plain-text.ts';
import { SLICE } from '../../src/retrieve/parse/slices.ts';
import { blocks, document } from '../support/blocks.ts';
import { docxParts, makeZip } from '../support/documents.ts';

const BYTES = 4_000_000;
/**
 * In one slice, of 65,536 characters and what is read of a line behind them: each is
 * matched a few times. Such a line at once takes 690,000 to five million.
 */
const MAX_MATCHES = 500_000;

const { exec } = RegExp.prototype;
let matches = 0;

beforeEach(() => {
  matches = 0;
  // All other methods of patterns, and those of strings, call it for each match.
  RegExp.prototype.exec = function counted(text) {
    matches++;
    return exec.call(this, text);
  };
});
afterEach(() => {
  RegExp.prototype.exec = exec;
});

const of = (piece: string) => piece.repeat(BYTES / piece.length);

const FILES: Record<string, () => string> = {
  'code spans.md': () => of('`a` '),
  'links.md': () => of('[a](b) '),
  'tags.md': () => of('<i>x</i>'),
  'references.md': () => `${of('[b] ')}\n\n[b]: /x`,
  'a title.md': () => `# ${of('pear ')}`,
  'a front title.md': () => `---\ntitle: ${of('pear ')}\n---\ntext`,
  'a header.csv': () => of('pear '),
  'a header of many cells.csv': () => of(`${'a '.repeat(4_000)},`),
  'blank rows.csv': () => of('\n'),
  'preformatted.html': () => `<pre>${of('a b ')}`,
  'a description.html': () => `<img alt="${of('pear ')}">`,
  'line breaks.html': () => of('<br>'),
  'an open tag.html': () => `a <b c="${of('pear ')}`,
  'end tags.html': () => `<nav>${of('</nav>')}`,
  'a row.html': () => `<table><tr>${of(`<td>${'pear '.repeat(9_999)}`)}`,
  'a table in a cell.html': () =>
    `<table><td><table>${of(`<tr><td>${'pear '.repeat(99)}`)}</table>`,
  'a key.json': () => `{"${of('pear ')}":1}`,
};

const word = (text: string) => `<w:r><w:t>${text}</w:t></w:r>`;
const DOCUMENTS: Record<string, () => Uint8Array<ArrayBuffer>> = {
  'a paragraph.docx': () => makeZip(docxParts(`<w:p>${word(of('a b '))}</w:p>`)),
  'a paragraph of breaks.docx': () =>
    makeZip(docxParts(`<w:p>${word('a')}${of('<w:br/>')}${word('b')}</w:p>`)),
  'a cell.docx': () =>
    makeZip(docxParts(`<w:tbl><w:tr><w:tc><w:p>${word(of('a b '))}</w:p></w:tc></w:tr></w:tbl>`)),
  'a comment.docx': () => {
    const comments = `<w:comment w:id="1"><w:p>${word(of('a b '))}</w:p></w:comment>`;
    return makeZip(docxParts(`<w:p>${word('c')}</w:p>`, { comments }));
  },
};

test.each([...Object.keys(FILES), ...Object.keys(DOCUMENTS)])('%s', async (name) => {
  const bytes = DOCUMENTS[name]?.() ?? new Uint8Array(Buffer.from(FILES[name]!()));
  let most = 0;
  await parse(bytes.buffer, name, '', async () => {
    most = Math.max(most, matches);
    matches = 0;
  });
  expect(Math.max(most, matches)).toBeLessThan(MAX_MATCHES);
});

test('a long paragraph of plain text is cleaned in slices', () => {
  const slices = [...parsePlainText('a\t'.repeat(10 * SLICE), 'a.txt')];
  expect(slices.length).toBeGreaterThan(15);
});

test('empty items of a list in a cell do not add up', async () => {
  expect(await blocks('a.html', `<table><td>a${'<li>'.repeat(50_000)}b`)).toEqual(['a; b']);
});

test('a description of a picture that is too long is left out, and named', async () => {
  const { text, leftOut } = await document('a.html', `<img alt="${'pear '.repeat(9_999)}">Plums.`);
  expect(text).toBe('Plums.');
  expect(leftOut).toEqual([
    { name: 'descriptions of pictures', reason: 'longer than 32768 characters' },
  ]);
});

test('code that is too long for a block is cut behind a line', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
  const made = await blocks('a.html', `<pre><code class="language-js">${lines.join('\n')}</pre>`);
  expect(made.length).toBeGreaterThan(1);
  const inside = made.map((block) => block.slice('```js\n'.length, -'\n```'.length));
  expect(inside.join('\n')).toBe(lines.join('\n'));
});

test('a long line keeps its words, and is cut between them', async () => {
  const words = Array.from({ length: 20_000 }, (_, i) => `pear${i}`);
  for (const name of ['a.md', 'a.html', 'a.csv', 'a.txt']) {
    const { sections } = await document(name, words.join(' '));
    const texts = sections.flatMap((section) => section.blocks.map(({ text }) => text));
    expect(texts.join(' ').split(/\s+/)).toEqual(words);
  }
});

/** Where a long line of Markdown is cut: behind a space that is its last character before. */
const CUT = 32_768;

const padded = (piece: string) => piece.repeat(CUT).slice(0, CUT - 1);
const WORDS = `${padded('word ')} `;

const AT_A_CUT: [mark: string, name: string, end: string][] = [
  ['a fence', 'a.md', '``` opens nothing here'],
  ['a fence of tildes', 'a.md', '~~~ opens nothing here'],
  ['a heading', 'a.md', '# 1 in the world'],
  ['an import', 'a.md', 'import x from "y"'],
  ['a definition', 'a.md', '[docs]: https://example.org/a'],
  ['a directive', 'a.md', '[TOC]'],
  ['a container', 'a.md', '::: note'],
  ['a comment', 'a.md', '<!-- that nothing closes in this paragraph'],
  ['a comment of MDX', 'a.mdx', '{/* that nothing closes in this paragraph'],
];

test.each(AT_A_CUT)('%s behind a cut is text', async (_, name, end) => {
  const after = '--> */} Sweet *ones*.';
  const { sections, leftOut } = await document(name, `${WORDS}${end}\n\n# Pears\n\n${after}`);
  expect(sections.map(({ heading }) => heading)).toEqual(['Pears', 'Pears']);
  expect(sections.map(({ blocks }) => blocks.map(({ text }) => text))).toEqual([
    [`${WORDS.trim()}\n${end}`],
    [after],
  ]);
  expect(leftOut).toEqual([]);
});

const BEFORE_A_CUT: [mark: string, start: string][] = [
  ['a fence', '``` x'],
  ['an import', 'import "y"'],
  ['a definition', '[docs]: https://example.org/a'],
  ['a directive', '[TOC]'],
  ['a container', '::: note'],
];

test.each(BEFORE_A_CUT)('%s before a cut is text', async (_, start) => {
  const line = `${start}${' '.repeat(CUT)}goes on \`\`\`, word`;
  const made = await blocks('a.md', `${line}\n\nNext.`);
  expect(made.map((text) => text.split(/\s+/))).toEqual([line.split(/\s+/), ['Next.']]);
});

test('code goes on behind a cut', async () => {
  for (const line of [`${WORDS}\`\`\``, `\`\`\`${' '.repeat(CUT)}x`]) {
    const code = `\`\`\`\n${line}\n# code\n\`\`\`${' '.repeat(CUT)}`;
    const [block, ...others] = await blocks('a.md', `${code}\n\nNext.`);
    expect(block!.trim().split(/\s+/)).toEqual(code.trim().split(/\s+/));
    expect(others).toEqual(['Next.']);
  }
  const indented = `    ${padded('a &amp; ')} # no heading`;
  const [block] = await blocks('a.md', `\n${indented}\n    &lt;`);
  expect(block!.replace(/\n/g, '')).toBe(`${indented}    &lt;`);
});

test('a blank piece of a line ends no block', async () => {
  const spaces = ' '.repeat(3 * CUT);
  expect(
    await blocks('a.md', `a${spaces}b\n${spaces}d\n${spaces}\n| c ${spaces} | ${'-'.repeat(9)} |`),
  ).toEqual(['a\n b\nd', '| c\n | --- |']);
});

test('no surrogate pair is cut', async () => {
  const pairs = '𠀀'.repeat(70_000);
  for (const before of ['', 'a']) {
    for (const [name, open] of [
      ['a.md', ''],
      ['a.html', '<p>'],
      ['a.html', '<pre>'],
    ] as const) {
      const text = (await blocks(name, open + before + pairs)).join('');
      expect(text.replace(/[`\n]/g, '')).toBe(before + pairs);
    }
  }
});

test('a description of a picture in long code leaves it code', async () => {
  const code = '  if (x) {\n    y();\n'.repeat(2_000);
  const alt = 'z '.repeat(14_000).trim();
  const made = await blocks('a.html', `<pre>${code}<img alt="${alt}">\n  end</pre>`);
  const inside = made.map((block) => block.slice('```\n'.length, -'\n```'.length));
  expect(inside.join('\n')).toBe(`${code} ${alt} \n  end`);
});

test('blank rows do not add up to one that is too long', async () => {
  const blank = `<tr>${'<td>&nbsp;'.repeat(35)}</tr>`;
  expect(await blocks('a.html', `<table>${blank.repeat(2_000)}<tr><td>a<td>b</table>`)).toEqual([
    '| a | b |\n| --- | --- |',
  ]);
});

test('a long paragraph, cell and note of a Word document keep their words; a long description is named', async () => {
  const words = (name: string) => Array.from({ length: 20_000 }, (_, i) => `${name}${i}`);
  const said = (name: string) => `<w:p>${word(words(name).join(' '))}</w:p>`;
  const body = `${said('pear')}<w:tbl><w:tr><w:tc>${said('fig')}</w:tc></w:tr></w:tbl><w:p><w:docPr descr="${'z '.repeat(20_000)}"/>${word('end')}</w:p>`;
  const footnotes = `<w:footnote w:id="1">${said('plum')}</w:footnote>`;
  const { text, leftOut } = await document('a.docx', makeZip(docxParts(body, { footnotes })));
  const found = text
    .replace(/[|]|---/g, ' ')
    .split(/\s+/)
    .filter((part) => part !== '');
  expect(found).toEqual([...words('pear'), ...words('fig'), 'end', ...words('plum')]);
  expect(leftOut.map(({ name }) => name)).toEqual(['descriptions of pictures']);
});

/** Every word of a file is in some passage, whatever the file is made of. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { chunk } from '../../src/retrieve/chunk.ts';
import { document } from '../support/blocks.ts';
import { docxParts, makePdf, makeZip } from '../support/documents.ts';

/** Passages small enough that everything is cut somewhere. */
const CUTTING = { maxTokens: 60, overlapTokens: 10 };
const byCharacter = (text: string) => new Int32Array(Math.ceil(text.length / 3));

/** A document in one format, with the words that a reader of it sees. */
type Written = { content: string | Uint8Array<ArrayBuffer>; words: string[] };

/** Distinct, and none in another's middle. */
const word = fc
  .tuple(fc.constantFrom('okapi', 'Müll', 'ἄλφα', 'don’t', 'и', '東京', 'x'), fc.nat(999_999))
  .map(([stem, number]) => `${stem}w${number}q`);
const phrase = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '));
const text = fc.array(word, { minLength: 1, maxLength: 120 }).map((words) => words.join(' '));
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { minLength: 1, maxLength: 6 });
const rows = (cell: fc.Arbitrary<string>) => some(some(cell));

/** Pieces with the marks around them; the words are what the marks stand around. */
function written(
  pieces: fc.Arbitrary<[source: string, words: string]>,
  join: (sources: string[]) => string | Uint8Array<ArrayBuffer>,
): fc.Arbitrary<Written> {
  return fc.array(pieces, { minLength: 1, maxLength: 12 }).map((made) => ({
    content: join(made.map(([source]) => source)),
    words: made.flatMap(([, words]) => words.split(/\s+/).filter((word) => word !== '')),
  }));
}

const said = (arbitrary: fc.Arbitrary<string>, source: (text: string) => string) =>
  arbitrary.map((words): [string, string] => [source(words), words]);

const both = (source: (a: string, b: string) => string) =>
  fc.tuple(phrase, phrase).map(([a, b]): [string, string] => [source(a, b), `${a} ${b}`]);

const tableOf = (source: (rows: string[][]) => string, cell = phrase) =>
  rows(cell).map((made): [string, string] => [source(made), made.flat().join(' ')]);

const MARKDOWN = fc.oneof(
  said(text, (words) => words),
  said(phrase, (words) => `# ${words}`),
  said(phrase, (words) => `### ${words} ###`),
  said(phrase, (words) => `import ${words}`),
  said(phrase, (words) => `export ${words}`),
  said(phrase, (words) => `[^1]: ${words}`),
  said(phrase, (words) => `[Important]: ${words}`),
  said(word, (words) => `[^${words}]: ${words}`),
  said(word, (words) => `List<${words}> and <${words}@b.example>`),
  said(word, (words) => `<${words}`),
  said(phrase, (words) => `<n ${words}`),
  said(phrase, (words) => `\`<!--\` ${words}`),
  said(phrase, (words) => `<!-- ${words}`),
  said(phrase, (words) => `\`\`\`${words}\`\`\``),
  said(phrase, (words) => `\`\`\`sh\n${words}\n\`\`\``),
  said(phrase, (words) => `    ${words}`),
  said(phrase, (words) => `> ${words}\n> - ${words}`),
  said(phrase, (words) => `1. ${words}\n   - ${words}`),
  said(phrase, (words) => `:::note ${words}\n:::`),
  said(phrase, (words) => `<details><summary>${words}</summary></details>`),
  said(phrase, (words) => `${words}<br>${words}`),
  both((a, b) => `[${a}](https://a.example "${b}")`),
  both((a, b) => `![${a}](a.png) [${b}][x]`),
  both((a, b) => `<img alt="${a}" src="a.png"> {{< figure title="${b}" >}}`),
  both((a, b) => `${a}\n===\n${b}\n---`),
  tableOf((made) => made.map((cells) => `| ${cells.join(' | ')} |`).join('\n')),
  tableOf((made) => made.map((cells) => `| ${cells.join(' | ')} |`).join('\n'), text),
);

const HTML = fc.oneof(
  said(text, (words) => `<p>${words}`),
  said(phrase, (words) => `<h1>${words}</h1>`),
  said(phrase, (words) => `<title>${words}</title>`),
  said(phrase, (words) => `<h3><a href="x">${words}</a></h3>`),
  said(phrase, (words) => `<div>${words}<div>${words}</div></div>`),
  said(phrase, (words) => `<pre><code>${words}</code></pre>`),
  said(phrase, (words) => `<img alt="${words}">`),
  said(phrase, (words) => `<article><footer>${words}</footer></article>`),
  said(phrase, (words) => `<dl><dt>${words}<dd>${words}</dl>`),
  said(phrase, (words) => `<nav>${words}`),
  said(phrase, (words) => `</table></ul></td>${words}<td>`),
  some(phrase).map((items): [string, string] => [
    `<ul>${items.map((item) => `<li>${item}`).join('<ol>')}`,
    items.join(' '),
  ]),
  tableOf(
    (made) =>
      `<table>${made.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}`).join('</td>')}`).join('</tr>')}</table>`,
  ),
  tableOf(
    (made) =>
      `<table>${made.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}<table><tr><td>`).join('')}`).join('')}</table>`,
  ),
  tableOf((made) => `<table>${made.map((cells) => `<tr><th>${cells.join('<td><h2>')}`).join('')}`),
);

const DOCX = fc.oneof(
  said(text, (words) => `<w:p><w:r><w:t>${words}</w:t></w:r></w:p>`),
  said(
    phrase,
    (words) =>
      `<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>${words}</w:t></w:r></w:p>`,
  ),
  said(
    phrase,
    (words) =>
      `<w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>${words}</w:t></w:r></w:p>`,
  ),
  said(
    phrase,
    (words) =>
      `<w:p><w:r><w:drawing><w:txbxContent><w:p><w:r><w:t>${words}</w:t></w:r></w:p></w:txbxContent></w:drawing></w:r></w:p>`,
  ),
  tableOf(
    (made) =>
      `<w:tbl>${made.map((cells) => `<w:tr>${cells.map((cell) => `<w:tc><w:p><w:r><w:t>${cell}</w:t></w:r></w:p></w:tc>`).join('')}</w:tr>`).join('')}</w:tbl>`,
  ),
);

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

const FORMATS: [name: string, documents: fc.Arbitrary<Written>][] = [
  ['a.md', written(MARKDOWN, (pieces) => pieces.join('\n\n'))],
  ['b.md', written(MARKDOWN, (pieces) => pieces.join('\n'))],
  ['c.mdx', written(MARKDOWN, (pieces) => `---\ntitle: x\n---\n${pieces.join('\n\n')}`)],
  ['a.html', written(HTML, (pieces) => pieces.join('\n'))],
  ['a.docx', written(DOCX, (pieces) => makeZip(docxParts(pieces.join(''))))],
  [
    'a.txt',
    written(
      said(text, (words) => words),
      (pieces) => pieces.join('\n\n'),
    ),
  ],
  [
    'a.py',
    written(
      said(text, (words) => `class ${words}`),
      (pieces) => pieces.join('\n\n'),
    ),
  ],
  [
    'a.csv',
    rows(phrase).map((made) => ({
      content: made.map((cells) => cells.map(quoted).join(';')).join('\r\n'),
      words: made.flat().flatMap((cell) => cell.split(' ')),
    })),
  ],
  [
    'a.tsv',
    rows(text).map((made) => ({
      content: made.map((cells) => cells.join('\t')).join('\n'),
      words: made.flat().flatMap((cell) => cell.split(' ')),
    })),
  ],
  [
    'a.json',
    fc
      .dictionary(
        text,
        fc.oneof(
          phrase,
          rows(phrase),
          fc.dictionary(text, fc.dictionary(phrase, phrase, { maxKeys: 3 }), { maxKeys: 3 }),
        ),
        { minKeys: 1, maxKeys: 4 },
      )
      .map((value) => ({
        content: JSON.stringify(value),
        words: JSON.stringify(value).match(/[^[\]{}",:\s]+/g) ?? [],
      })),
  ],
  [
    'a.jsonl',
    rows(phrase).map((made) => ({
      content: made.map((cells) => JSON.stringify({ [cells[0]!]: cells })).join('\n'),
      words: made.flat().flatMap((cell) => cell.split(' ')),
    })),
  ],
];

/** All that search reads, and what is told of the rest. */
async function found(name: string, content: Written['content']): Promise<string> {
  const parsed = await document(name, content);
  const passages = [...chunk(parsed, CUTTING, byCharacter)].flat();
  for (const { text } of passages) expect(text.length).toBeLessThanOrEqual(3 * CUTTING.maxTokens);
  return passages.flatMap(({ title, heading, text }) => [title, heading, text]).join('\n');
}

test.each(FORMATS)('words in, words found: %s', async (name, documents) => {
  await fc.assert(
    fc.asyncProperty(documents, async ({ content, words }) => {
      const all = await found(name, content);
      for (const expected of words) expect(all).toContain(expected);
    }),
    { numRuns: 100 },
  );
});

test('words in, words found: a.pdf', async () => {
  const latin = fc
    .array(
      fc.nat(99_999).map((number) => `okapi${number}`),
      { minLength: 1, maxLength: 4 },
    )
    .map((words) => words.join(' '));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(latin, { maxLength: 20 }), { minLength: 1, maxLength: 3 }),
      async (pages) => {
        if (pages.flat().length === 0) return;
        const lines = pages.map((texts) =>
          texts.map((text, row) => ({
            text,
            size: 8 + (row % 3),
            x: 40 + 250 * (row % 2),
            y: 760 - 16 * (row >> 1),
          })),
        );
        const all = await found('a.pdf', makePdf(lines));
        for (const expected of pages.flat().flatMap((line) => line.split(' '))) {
          expect(all).toContain(expected);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('words in, words found: a.zip', async () => {
  await fc.assert(
    fc.asyncProperty(some(text), async (texts) => {
      const members = texts.map((content, at): [string, string] => [`${at}.txt`, content]);
      const all = await found('a.zip', makeZip(Object.fromEntries(members)));
      for (const expected of texts.flatMap((content) => content.split(' '))) {
        expect(all).toContain(expected);
      }
    }),
    { numRuns: 50 },
  );
});

test.each(readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')))(
  'every row of the tables in docs/%s is in a passage',
  async (name) => {
    const source = readFileSync(join(ROOT, 'docs', name), 'utf8');
    const all = (await found(name, source)).replace(/\s+/g, '');
    const rows = source.split('\n').filter((line) => line.startsWith('| ') && !line.includes(']('));
    for (const row of rows) {
      for (const [word] of row.matchAll(/[\p{L}\p{N}]+/gu)) expect(all).toContain(word);
    }
  },
);

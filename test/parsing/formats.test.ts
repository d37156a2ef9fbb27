/** Every kind of file becomes sections, or says why not. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_TEXT } from '../../src/retrieve/parse/document.ts';
import { parse } from '../../src/retrieve/parse/parse.ts';
import { MAX_UNPACKED } from '../../src/retrieve/parse/unpacking.ts';
import { MAX_ZIP_MEMBERS } from '../../src/retrieve/parse/zip.ts';
import { makeDocx, makePdf, makeZip } from '../support/documents.ts';

async function read(name: string, content: string | Uint8Array<ArrayBuffer>, type = '') {
  const bytes = new Uint8Array(Buffer.from(content)).buffer;
  const document = await parse(bytes, name, type);
  for (const { blocks } of document.sections) {
    for (const { text, start, end } of blocks) {
      expect(document.text.slice(start, end).length).toBe(end - start);
      // Markdown and text are cleaned; what was extracted stands in the text as it is.
      if (!/\.(md|txt|zip)$/.test(name)) expect(document.text.slice(start, end)).toBe(text);
    }
  }
  return document.sections.map(({ title, heading, blocks }) => ({
    title,
    heading,
    blocks: blocks.map((block) => block.text),
  }));
}

test('HTML: words in blocks, without the machinery of the page', async () => {
  const page = `<!doctype html><html><head><title>Orchard</title><style>p{}</style></head><body>
    <nav><a href="/">Home</a></nav>
    <h1>Pears &amp; apples</h1><p>Sweet <b>and</b>
      soft&nbsp;fruit.<br>Eat &lt;fresh&gt;.</p>
    <h2>Tools</h2>
    <ul><li>Saw<ul><li>small</li><li><p>large</p></li></ul></li><li>Use <code>prune()</code></li></ul>
    <pre><code class="language-sh">prune --tree pear
  --now</code></pre>
    <table><tr><th>Month</th><th>Work</th></tr><tr><td>May</td><td>a | b</td></tr></table>
    <script>alert(1)</script></body></html>`;
  expect(await read('orchard.html', page)).toEqual([
    {
      title: 'Pears & apples',
      heading: 'Pears & apples',
      // The page's title, which is no heading's.
      blocks: ['Orchard', 'Sweet and soft fruit.\nEat <fresh>.'],
    },
    {
      title: 'Pears & apples',
      heading: 'Tools',
      blocks: [
        '- Saw\n  - small\n  - large\n- Use `prune()`',
        '```sh\nprune --tree pear\n  --now\n```',
        '| Month | Work |\n| --- | --- |\n| May | a \\| b |',
      ],
    },
  ]);
});

test('broken HTML still gives its words', async () => {
  const [section] = await read('x.html', '<p>One<p>Two</div></b><li>Three<td>Four<h3>H</h4>Five');
  expect(section!.blocks.join(' ')).toMatch(/One.*Two.*Three.*Four/s);
});

test('Word documents: headings by their style', async () => {
  const docx = makeDocx(['# Pruning', 'In late winter.', 'Before the sap rises.']);
  expect(await read('guide.docx', docx)).toEqual([
    {
      title: 'Pruning',
      heading: 'Pruning',
      blocks: ['In late winter.', 'Before the sap rises.'],
    },
  ]);
});

test('PDF: headings by their size, paragraphs by their distance, words joined over lines', async () => {
  const pdf = makePdf([
    [
      { text: 'Orchard (guide)', size: 24, y: 720 },
      { text: 'Prune pear trees in late win-', size: 11, y: 680 },
      { text: 'ter, before the sap rises.', size: 11, y: 667 },
      { text: 'Water young trees.', size: 11, y: 630 },
    ],
    [
      { text: 'Harvest', size: 14, y: 720 },
      { text: 'Pick in September.', size: 11, y: 690 },
    ],
  ]);
  expect(await read('guide.pdf', pdf)).toEqual([
    {
      title: 'Orchard (guide)',
      heading: 'Orchard (guide)',
      blocks: ['Prune pear trees in late winter, before the sap rises.', 'Water young trees.'],
    },
    { title: 'Orchard (guide)', heading: 'Harvest', blocks: ['Pick in September.'] },
  ]);
});

test('source code: a section for each top-level declaration', async () => {
  const source = `import x from 'x';

export function prune(tree) {
  cut(tree);

  return tree;
}

class Orchard {
}
`;
  expect(await read('orchard.ts', source)).toEqual([
    { title: 'orchard.ts', heading: 'orchard.ts', blocks: ["```ts\nimport x from 'x';\n```"] },
    {
      title: 'orchard.ts',
      heading: 'prune',
      blocks: ['```ts\nexport function prune(tree) {\n  cut(tree);\n\n  return tree;\n}\n```'],
    },
    { title: 'orchard.ts', heading: 'Orchard', blocks: ['```ts\nclass Orchard {\n}\n```'] },
  ]);
});

test('JSON, JSON Lines and CSV: a block for each record', async () => {
  const trees = '[{"name":"pear","soil":{"ph":6.5}},{"name":"apple","soil":null}]';
  const blocks = ['name: pear\nsoil.ph: 6.5', 'name: apple\nsoil: null'];
  expect((await read('trees.json', trees))[0]!.blocks).toEqual(blocks);
  expect((await read('trees.jsonl', trees.slice(1, -1).replace('},{', '}\n{')))[0]!.blocks).toEqual(
    blocks,
  );
  expect(await read('plan.json', '{"trees":[{"a":1}],"year":2026}')).toMatchObject([
    { heading: 'trees', blocks: ['a: 1', 'year: 2026'] },
  ]);
  const csv = 'name,note\r\npear,"soft, ""sweet""\nfruit"\napple,\n';
  expect((await read('trees.csv', csv))[0]!.blocks).toEqual([
    'name: pear\nnote: soft, "sweet"\nfruit',
    'name: apple',
  ]);
});

test('archives: each member as itself, the unreadable left out', async () => {
  const zip = makeZip({
    'docs/pears.md': '# Pears\n\nSweet.',
    'docs/.hidden.md': '# Hidden',
    'photo.png': new Uint8Array([1, 2, 3]),
    'apples.txt': 'Crisp.',
  });
  expect(await read('docs.zip', zip)).toEqual([
    { title: 'Pears', heading: 'Pears', blocks: ['Sweet.'] },
    { title: 'apples', heading: 'apples', blocks: ['Crisp.'] },
  ]);
  const { leftOut } = await parse(zip.buffer, 'docs.zip', '');
  expect(leftOut).toEqual([
    { name: 'docs/.hidden.md', reason: 'a hidden file' },
    { name: 'photo.png', reason: expect.stringContaining('photo.png') },
  ]);
});

test('the declared type helps where the name does not', async () => {
  expect(await read('README', '# Pears\n\nSweet.', 'text/markdown; charset=utf-8')).toMatchObject([
    { title: 'Pears' },
  ]);
});

test('UTF-16 with its mark is read', async () => {
  const text = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Birnen: süß', 'utf16le')]);
  expect(await read('b.txt', new Uint8Array(text))).toMatchObject([{ blocks: ['Birnen: süß'] }]);
});

const UNREADABLE: [name: string, content: string | Uint8Array<ArrayBuffer>, reason: RegExp][] = [
  ['a.exe', 'MZ', /a\.exe.*can't be read.*md/],
  ['constructor', 'x', /can't be read/],
  ['a.txt', 'a\0b', /binary/],
  ['a.json', '{', /not JSON/],
  ['a.jsonl', '{}\n{', /line 2 is not JSON/],
  ['a.pdf', '%PDF-1.4 broken', /not a readable PDF/],
  ['a.pdf', makePdf([[]]), /OCR/],
  ['a.docx', 'PK', /not a Word document/],
  ['a.zip', 'PK', /not a zip archive/],
  [
    'a.zip',
    makeZip({ 'b.zip': makeZip({ 'c.md': 'x' }) }),
    /no file that can be read.*an archive itself/,
  ],
  ['a.txt', 'a'.repeat(MAX_TEXT + 1), /more than 16777216 characters of text: split it/],
];

test.each(UNREADABLE)('%s is refused with the reason', async (name, content, reason) => {
  await expect(read(name, content)).rejects.toThrow(reason);
});

test('an archive can’t become larger than its limit, whatever its directory claims', async () => {
  const bomb = makeZip({ 'a.txt': Buffer.alloc(MAX_UNPACKED + 1, 'a') });
  expect(bomb.byteLength).toBeLessThan(100_000);
  // The sizes in the local header and in the directory both say one byte.
  const view = new DataView(bomb.buffer);
  const directory = view.getUint32(bomb.byteLength - 6, true);
  view.setUint32(22, 1, true);
  view.setUint32(directory + 24, 1, true);
  await expect(read('bomb.zip', bomb)).rejects.toThrow(/unpacks to more than/);
});

test('an archive of too many files is refused', async () => {
  const names = Array.from({ length: MAX_ZIP_MEMBERS + 1 }, (_, i) => [`${i}.md`, 'x']);
  await expect(read('many.zip', makeZip(Object.fromEntries(names)))).rejects.toThrow(/2001 files/);
});

test('damaged archives fail as such', async () => {
  const sound = makeZip({ 'a.md': '# Pears\n\nSweet.'.repeat(20), 'b.txt': 'Crisp.' });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(sound.byteLength - 1),
      fc.integer({ min: 1, max: 255 }),
      async (at, change) => {
        const damaged = sound.slice();
        damaged[at]! ^= change;
        await parse(damaged.buffer, 'a.zip', '').catch((error: Error) => {
          expect(error.name).toBe('UnreadableFile');
        });
      },
    ),
    { numRuns: 300 },
  );
});

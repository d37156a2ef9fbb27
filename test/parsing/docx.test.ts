/** Word documents: what their elements say, and packages made to be large. */
import { expect, test } from 'vitest';
import { MAX_MEMBER } from '../../src/retrieve/parse/unpacking.ts';
import { blocks, document } from '../support/blocks.ts';
import { docxParts, makeDocx, makeZip } from '../support/documents.ts';

const run = (text: string) => `<w:r><w:t>${text}</w:t></w:r>`;
const paragraph = (text: string, properties = '') =>
  `<w:p><w:pPr>${properties}</w:pPr>${run(text)}</w:p>`;
const item = (text: string, list: number, level = 0) =>
  paragraph(text, `<w:numPr><w:ilvl w:val="${level}"/><w:numId w:val="${list}"/></w:numPr>`);
const table = (...rows: string[][]) =>
  `<w:tbl>${rows.map((cells) => `<w:tr>${cells.map((cell) => `<w:tc>${cell}</w:tc>`).join('')}</w:tr>`).join('')}</w:tbl>`;

const NUMBERING = `<w:abstractNum w:abstractNumId="5"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="5"/></w:num>`;

async function read(body: string, parts: Record<string, string> = {}) {
  return blocks('a.docx', makeZip(docxParts(body, parts)));
}

test('headings by their style, or one that builds on it, or their level', async () => {
  const { sections } = await document(
    'a.docx',
    makeZip(
      docxParts(
        [
          ...[paragraph('Pears', '<w:pStyle w:val="Heading1"/>'), paragraph('Sweet.')],
          ...[paragraph('Storing', '<w:pStyle w:val="Chapter"/>'), paragraph('Cool.')],
          ...[paragraph('In sand', '<w:outlineLvl w:val="2"/>'), paragraph('Dry.')],
        ].join(''),
      ),
    ),
  );
  expect(sections.map(({ title, heading }) => [title, heading])).toEqual([
    ['Pears', 'Pears'],
    ['Pears', 'Storing'],
    ['Pears', 'In sand'],
  ]);
});

test('lists have their numbers and levels, and end before other text', async () => {
  const list = [item('Saw', 1), item('fine', 1, 1), item('coarse', 1, 1), item('Rake', 1)];
  expect(await read(`${list.join('')}${paragraph('After.')}`, { numbering: NUMBERING })).toEqual([
    '1. Saw\n  - fine\n  - coarse\n2. Rake',
    'After.',
  ]);
});

test('tables keep what is in their cells: paragraphs, lists, tables', async () => {
  const inner = table([paragraph('Inner'), paragraph('42')]);
  const cell = `${paragraph('Two:')}${item('saw', 1)}${item('rake', 1)}`;
  expect(
    await read(table([paragraph('Outer'), inner], [cell, paragraph('x')]), {
      numbering: NUMBERING,
    }),
  ).toEqual(['| Outer | Inner, 42 |\n| --- | --- |\n| Two:; saw; rake | x |']);
});

test('notes and comments follow what refers to them, once', async () => {
  const note = (kind: string, id: number, text: string) =>
    `<w:${kind} w:id="${id}">${paragraph(text)}</w:${kind}>`;
  const reference = '<w:r><w:footnoteReference w:id="2"/></w:r>';
  const body = `<w:p>${run('Paid in March.')}${reference}${reference}<w:r><w:commentReference w:id="7"/></w:r></w:p>${paragraph('More.')}`;
  expect(
    await read(body, {
      footnotes: note('footnote', 2, 'Three months of rent.') + note('footnote', 3, 'Unused.'),
      comments: note('comment', 7, 'Is this so?'),
    }),
  ).toEqual([
    'Paid in March.[^1]',
    '[^1]: Three months of rent.',
    'Comment: Is this so?',
    'More.',
    'Unused.',
  ]);
});

test('two hundred thousand notes that nothing refers to are read', async () => {
  const notes = Array.from(
    { length: 200_000 },
    (_, id) => `<w:footnote w:id="${id}"><w:p><w:r><w:t>a</w:t></w:r></w:p></w:footnote>`,
  );
  const { text } = await document('a.docx', makeZip(docxParts('', { footnotes: notes.join('') })));
  expect(text.split('\n\n')).toHaveLength(200_000);
});

test('text boxes, breaks, symbols and descriptions are text; fields’ codes and deletions are not', async () => {
  const box = `<mc:AlternateContent><mc:Choice><wps:txbx><w:txbxContent>${paragraph('In a box')}</w:txbxContent></wps:txbx></mc:Choice><mc:Fallback><w:txbxContent>${paragraph('In a box')}</w:txbxContent></mc:Fallback></mc:AlternateContent>`;
  const body = [
    `<w:p>${run('Before')}<w:r>${box}</w:r>${run(' after')}</w:p>`,
    '<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t><w:softHyphen/><w:t>e</w:t></w:r></w:p>',
    `<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom>${run('moved')}</w:moveFrom><w:r><w:instrText>PAGE</w:instrText></w:r>${run('kept')}</w:p>`,
    '<w:p><w:r><w:drawing><wp:docPr id="1" descr="A fox"/></w:drawing></w:r></w:p>',
    '<w:p><m:oMath><m:r><m:t>x+y</m:t></m:r></m:oMath></w:p>',
  ];
  expect(await read(body.join(''))).toEqual([
    'Before after',
    'In a box',
    'a b\nc-de',
    'kept',
    'A fox',
    'x+y',
  ]);
});

test('parts that are not read are named', async () => {
  const { leftOut } = await document(
    'a.docx',
    makeZip(docxParts(paragraph('Text.'), { header: paragraph('Orchard Ltd'), chart: 'x' })),
  );
  expect(leftOut.map(({ name }) => name)).toEqual(['1 chart', 'page headers and footers']);
});

test('a document is read whatever its prefix, and where its parts are', async () => {
  const parts = docxParts(paragraph('Text.'));
  const moved = {
    '_rels/.rels': parts['_rels/.rels']!.replace('word/document.xml', '/content/main.xml'),
    'content/main.xml': parts['word/document.xml']!.replaceAll('w:', 'x:'),
  };
  expect(await blocks('a.docx', makeZip(moved))).toEqual(['Text.']);
});

/** Packages whose directory claims another size for `word/document.xml`. */
function claiming(docx: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(docx.buffer);
  let at = view.getUint32(docx.length - 6, true);
  for (;;) {
    const length = view.getUint16(at + 28, true);
    const name = Buffer.from(docx.subarray(at + 46, at + 46 + length)).toString();
    if (name === 'word/document.xml') break;
    at += 46 + length;
  }
  view.setUint32(at + 24, size, true);
  return docx;
}

const BOMB = () => makeDocx(Array.from({ length: 500_000 }, () => 'The tenant pays the rent.'));

test('a small document that unpacks to much is refused, by what it claims and by what it is', async () => {
  const bomb = BOMB();
  expect(bomb.length).toBeLessThan(150_000);
  await expect(document('a.docx', bomb)).rejects.toThrow(
    /unpacks to more than \d+ bytes: split it/,
  );
  await expect(document('a.docx', claiming(bomb, 1_000))).rejects.toThrow(/unpacks to more than/);
  const claims = claiming(makeDocx(['Small.']), MAX_MEMBER + 1);
  await expect(document('a.docx', claims)).rejects.toThrow(/unpacks to more than/);
});

test('so is an archive of many, each of which would be read', async () => {
  const half = makeDocx(Array.from({ length: 300_000 }, () => 'The tenant pays the rent.'));
  const members = Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`${i}.docx`, half]));
  await expect(document('a.zip', makeZip(members))).rejects.toThrow(
    /unpacks to more than|characters/,
  );
});

test('a document with a password, and an old one, are reported as such', async () => {
  const ole = new Uint8Array([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
  await expect(document('a.docx', ole)).rejects.toThrow(/without a password/);
});

/** PDF: the order of reading, words over lines, what is named, and files made to be large. */
import { deflateSync } from 'node:zlib';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readContent } from '../../src/retrieve/parse/pdf/content.ts';
import { blocks, document } from '../support/blocks.ts';
import {
  makePdf,
  makePdfOf,
  makeZip,
  type PdfLine,
  pageObject,
  pagesObject,
  streamObject,
} from '../support/documents.ts';

const COLUMNS: [left: string, right: string][] = [
  ['The tenant pays the rent on the', 'Pets are allowed where nobody is'],
  ['first day of the month, and the', 'disturbed by them. The gate of the'],
  ['deposit before the keys are han-', 'yard closes at eleven, and opens'],
  ['ded over. Both are returned by', 'again at six in the morning.'],
];

/** Two columns, drawn row by row. */
function drawn(rows: readonly (readonly string[])[], shift = 0): PdfLine[] {
  return rows.flatMap((cells, row) =>
    cells.map((text, column) => ({
      ...{ text, size: 11, x: 72 + 240 * column },
      y: 600 - 13 * row - shift * column,
    })),
  );
}

const READ = [
  'The tenant pays the rent on the first day of the month, and the deposit before the keys are handed over. Both are returned by',
  'Pets are allowed where nobody is disturbed by them. The gate of the yard closes at eleven, and opens again at six in the morning.',
];

test.each([
  ['on the same lines', 0],
  ['on lines of their own', 6],
])('columns drawn row by row are read one after the other: %s', async (_, shift) => {
  expect(await blocks('a.pdf', makePdf([drawn(COLUMNS, shift)]))).toEqual(READ);
});

test('a heading over both columns parts them', async () => {
  const above = drawn([['Rules for everyone who lives in this house, in two columns of text']]);
  const pages = [[...above.map((line) => ({ ...line, y: 650 })), ...drawn(COLUMNS)]];
  expect(await blocks('a.pdf', makePdf(pages))).toEqual([above[0]!.text, ...READ]);
});

test('three columns are', async () => {
  const third = [
    'Bikes stay in the cellar',
    'of the house, where they',
    'are safe from rain, snow',
    'and the neighbours’ dogs',
  ];
  const rows = COLUMNS.map(([left, right], row) => [
    ...[left.slice(0, 24), right.slice(0, 24), third[row]!],
  ]);
  const lines = rows.flatMap((cells, row) =>
    cells.map((text, column) => ({ text, size: 10, x: 40 + 180 * column, y: 600 - 12 * row })),
  );
  const [first, second, last] = await blocks('a.pdf', makePdf([lines]));
  expect(first).toMatch(/^The tenant .* first day .* deposit before .* ded over/);
  expect(second).toMatch(/^Pets are .* disturbed .* yard closes .* again at/);
  expect(last).toMatch(/^Bikes stay .* of the house/);
});

test('the rows of a table stay together', async () => {
  const rows = ['Item Price', 'Chair 12,50', 'Lamp 7,00', 'Table 99,00', 'Shelf 45,90'];
  const table = drawn(rows.map((row) => row.split(' ')));
  expect(await blocks('a.pdf', makePdf([table]))).toEqual([rows.join(' ')]);
});

const PARTED: [lines: string[], text: string][] = [
  [['in late win-', 'ter'], 'in late winter'],
  [['a KÜNDI-', 'GUNG by'], 'a KÜNDIGUNG by'],
  [['with Anna-', 'Lena and'], 'with Anna-Lena and'],
  [['from 2020-', '2021 on'], 'from 2020-2021 on'],
  [['a well-known rule, and a well-', 'known one'], 'a well-known rule, and a well-known one'],
  [['a dash -', 'and more'], 'a dash - and more'],
];

test.each(PARTED)('words over lines: %j', async (texts, text) => {
  const lines = texts.map((line, row) => ({ text: line, size: 11, y: 700 - 13 * row }));
  const content = makePdf([lines]);
  expect(await blocks('a.pdf', content)).toEqual([text]);
});

test('a sentence goes on over a page', async () => {
  const pages = ['Prune in late win-', 'ter, before the sap rises.'].map((text, page) => [
    { text, size: 11, y: page === 0 ? 80 : 720 },
  ]);
  expect(await blocks('a.pdf', makePdf(pages))).toEqual([
    'Prune in late winter, before the sap rises.',
  ]);
});

test('pages without text are named', async () => {
  const text = [{ text: 'A page of text.', size: 11, y: 700 }];
  const { leftOut } = await document('a.pdf', makePdf([text, [], text, [], [], []]));
  expect(leftOut).toEqual([{ name: 'pages 2, 4–6', reason: expect.stringMatching(/OCR/) }]);
});

const FONT = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>';
const CATALOGUE = '<< /Type /Catalog /Pages 2 0 R >>';

/** A PDF of one page that draws a stream. */
function pdfOf(dictionary: string, content: Uint8Array, kids = [4]): Uint8Array<ArrayBuffer> {
  return makePdfOf([
    ...[CATALOGUE, pagesObject(kids), FONT, pageObject(5)],
    streamObject(dictionary, content),
  ]);
}

const SAYS = 'BT /F1 11 Tf 72 700 Td (Where the ocelot sleeps.) Tj ET\n';
const FLATE = '/Filter /FlateDecode';

test('packed pages are read', async () => {
  const hexadecimal = Buffer.from(`${Buffer.from(SAYS).toString('hex')}>`);
  const packed: [string, Uint8Array][] = [
    [FLATE, deflateSync(SAYS)],
    ['/Filter [/FlateDecode /FlateDecode]', deflateSync(deflateSync(SAYS))],
    ['/Filter /ASCIIHexDecode', hexadecimal],
    ['/Filter /LZWDecode', lzw(Buffer.from(SAYS))],
    [
      '/Filter /RunLengthDecode',
      Buffer.concat([Buffer.from([SAYS.length - 1]), Buffer.from(SAYS), Buffer.from([128])]),
    ],
    [
      '/Filter [/ASCIIHexDecode /Fl#61teDecode]',
      Buffer.from(`${deflateSync(SAYS).toString('hex')}>`),
    ],
  ];
  for (const [dictionary, content] of packed) {
    expect(await blocks('a.pdf', pdfOf(dictionary, content))).toEqual(['Where the ocelot sleeps.']);
  }
});

/** As LZW without any sequence: codes of nine bits, cleared before they would grow. */
function lzw(bytes: Uint8Array): Uint8Array {
  const codes = [...bytes].flatMap((byte, at) => (at % 200 === 0 ? [256, byte] : [byte]));
  const bits = [...codes, 257].map((code) => code.toString(2).padStart(9, '0')).join('');
  return Uint8Array.from(bits.match(/.{1,8}/g)!, (byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
}

test('a page drawn often is read once', async () => {
  const kids = Array.from({ length: 1_000 }, () => 4);
  expect(await blocks('a.pdf', pdfOf(FLATE, deflateSync(SAYS), kids))).toEqual([
    'Where the ocelot sleeps.',
  ]);
});

test('values of forms and comments are text', async () => {
  const page = pageObject(5).replace('/Type /Page ', '/Type /Page /Annots [6 0 R 7 0 R 8 0 R] ');
  const pdf = makePdfOf([
    '<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /DA (/F1 0 Tf) >> >>',
    ...[pagesObject([4]), FONT, page, streamObject('', SAYS)],
    '<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /TU (Your name) /V (Jane Doe) /Rect [9 9 99 99] >>',
    '<< /Type /Annot /Subtype /Text /Contents (Is this so?) /Rect [9 9 99 99] >>',
    '<< /Type /Annot /Subtype /Link /Rect [9 9 99 99] /A << /S /URI /URI (https://a.example) >> >>',
  ]);
  const texts = await blocks('a.pdf', pdf);
  expect(texts[0]).toBe('Where the ocelot sleeps.');
  expect(texts.join('\n')).toContain('Your name: Jane Doe');
  expect(texts.join('\n')).toContain('Is this so?');
});

const LARGE = Buffer.from(SAYS.repeat(500_000));

const formDictionary = (next: number) =>
  `/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> /XObject << /X ${next} 0 R >> >>`;

/** Each draws the next ten times, the last one says something. */
function formsInForms(forms: number): Uint8Array<ArrayBuffer> {
  return makePdfOf([
    ...[CATALOGUE, pagesObject([4]), FONT, pageObject(5, '/XObject << /X 6 0 R >>')],
    streamObject('', '/X Do\n'),
    ...Array.from({ length: forms }, (_, form) =>
      streamObject(formDictionary(7 + form), form === forms - 1 ? SAYS : '/X Do\n'.repeat(10)),
    ),
  ]);
}

/** A page for each content, with a form called X. */
function formsOf(pages: string[], dictionary: string, form: Buffer): Uint8Array<ArrayBuffer> {
  return makePdfOf([
    ...[CATALOGUE, pagesObject(pages.map((_, page) => 5 + 2 * page)), FONT],
    streamObject(`${dictionary} ${formDictionary(4)}`, form),
    ...pages.flatMap((content, page) => [
      pageObject(6 + 2 * page, '/XObject << /X 4 0 R >>'),
      streamObject('', content),
    ]),
  ]);
}

/** A page whose font has a map of this range. */
function mapOf(range: string): Uint8Array<ArrayBuffer> {
  return makePdfOf([
    ...[CATALOGUE, pagesObject([4])],
    '<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [6 0 R] /To#55nicode 7 0 R >>',
    ...[pageObject(5), streamObject('', 'BT /F1 11 Tf 72 700 Td <00410042> Tj ET')],
    '<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>',
    streamObject('/Subtype /Image', `begincmap 1 beginbfrange ${range} endbfrange endcmap`),
  ]);
}

/** A file of nothing but such a table of objects. */
function tableOf(claim: string): Uint8Array<ArrayBuffer> {
  const file = `%PDF-1.5\n1 0 obj\n<< /Type /XRef /Root 2 0 R ${claim} /Length 4 >>\nstream\nabcd\nendstream\nendobj\nstartxref\n9\n%%EOF`;
  return new Uint8Array(Buffer.from(file));
}

const HOSTILE: [what: string, content: Uint8Array<ArrayBuffer>, reason: RegExp][] = [
  [
    'a password',
    makePdfOf(
      [CATALOGUE, pagesObject([4]), FONT, pageObject(5), streamObject('', SAYS)],
      `/Encrypt << /Filter /Standard /V 1 /R 2 /P -1 /O <${'ab'.repeat(32)}> /U <${'cd'.repeat(32)}> >> /ID [<00> <00>]`,
    ),
    /is encrypted: save it without a password/,
  ],
  [
    'no password, but restrictions, whose name is hidden',
    makePdfOf(
      [CATALOGUE, pagesObject([4]), FONT, pageObject(5), streamObject('', SAYS)],
      '/Encr#79pt << /Filter /Standard /V 1 /R 2 >> /ID [<00> <00>]',
    ),
    /is encrypted: save it without a password/,
  ],
  ['a page of 30 MB', pdfOf(FLATE, deflateSync(LARGE)), /unpacks to more than/],
  [
    'the same, twice packed',
    pdfOf('/Filter [/FlateDecode /FlateDecode]', deflateSync(deflateSync(LARGE))),
    /unpacks to more than/,
  ],
  [
    'the same, said to be a picture',
    pdfOf(`/Subtype /Image ${FLATE}`, deflateSync(LARGE)),
    /unpacks to more than/,
  ],
  [
    'the same, its filter hidden',
    pdfOf('/Filter%\n/FlateDecode', deflateSync(LARGE)),
    /unpacks to more than/,
  ],
  [
    'runs of one byte',
    pdfOf('/Filter /RunLengthDecode', Buffer.alloc(200_000, Buffer.from([129, 32]))),
    /unpacks to more than/,
  ],
  [
    'a page that is a picture',
    pdfOf('/Filter /DCTDecode', Buffer.from('x')),
    /unpacks to more than/,
  ],
  [
    'drawing states saved in each other',
    pdfOf(FLATE, deflateSync('q '.repeat(1_001))),
    /drawing state/,
  ],
  [
    'the same, written together',
    pdfOf('', Buffer.from(`${'q(Q) '.repeat(600)}${'q'.repeat(600)}`)),
    /drawing state/,
  ],
  [
    'five filters',
    pdfOf(`/Filter [${'/FlateDecode '.repeat(5)}]`, Buffer.from('x')),
    /unusual way/,
  ],
  [
    'a page of 15 MB drawn by all of 1,000',
    makePdfOf([
      CATALOGUE,
      pagesObject(Array.from({ length: 1_000 }, (_, page) => 5 + page)),
      FONT,
      streamObject(FLATE, deflateSync('q Q '.repeat(250_000))),
      ...Array.from({ length: 1_000 }, () => pageObject(4)),
    ]),
    /unpacks to more than/,
  ],
  ['forms that draw each other', formsInForms(5), /again and again/],
  ['forms that draw each other deeper', formsInForms(9), /a page of the PDF draws with more/],
  [
    'a form that all pages draw',
    formsOf(
      Array.from({ length: 400 }, () => '/#58 Do '),
      FLATE,
      deflateSync(`${SAYS}${'q Q '.repeat(200_000)}`),
    ),
    /the PDF draws with more/,
  ],
  ['a map of characters that is large', mapOf('<000000> <fffffe> <0041>'), /fonts map more than/],
  [
    'the same, in an odd number of digits',
    mapOf('%<0>\n<00000> %endbfrange\n\0<fffff> <0041>'),
    /fonts map more than/,
  ],
  ['the same, in strings of letters', mapOf('(\\0) <ffffff> <0041>'), /fonts map more than/],
  [
    'a long text for each character',
    mapOf(`<0000> <ffff> <${'0041'.repeat(40)}>`),
    /fonts map more than/,
  ],
  ['a table of a billion objects', tableOf('/W [0 0 0] /Index [0 1000000000]'), /objects/],
  ['the same, by its size', tableOf('/#57 [0 0 0] /Size 1000000000'), /objects/],
  ['the same, by another object', tableOf('/W [0 0 0] /Index 7 0 R'), /objects/],
  ...['/A85', '[/ASCIIHexDecode]', '/D#43T'].map(
    (filter): [string, Uint8Array<ArrayBuffer>, RegExp] => [
      `pictures that do not end: ${filter}`,
      pdfOf(FLATE, deflateSync(SAYS + `BI /W 1 /F ${filter} ID x EI `.repeat(10_000))),
      /pictures in its text that do not end/,
    ],
  ),
  [
    'a long appearance of fields',
    makePdfOf([
      CATALOGUE.replace('>>', `/AcroForm << /DA (${'q Q '.repeat(2_000)}) >> >>`),
      ...[pagesObject([4]), FONT, pageObject(5), streamObject('', SAYS)],
    ]),
    /unusual way/,
  ],
];

test.each(HOSTILE)('refused: %s', async (_, content, reason) => {
  expect(content.length).toBeLessThan(1_000_000);
  await expect(document('a.pdf', content)).rejects.toThrow(reason);
});

/** A file whose page ends within a picture, a dictionary, a list and a string. */
const BROKEN = pdfOf('', Buffer.from('BT /F1 11 Tf BI /W 1 << /A [ (b'));

test('in an archive, a broken one and one with a password are named, the rest is read', async () => {
  const archive = makeZip({
    'broken.pdf': BROKEN,
    'cut.pdf': BROKEN.slice(0, 200),
    'locked.pdf': HOSTILE[0]![1],
    'a.md': 'The gate closes at eleven.',
  });
  const { text, leftOut } = await document('a.zip', archive);
  expect(text).toContain('The gate closes at eleven.');
  expect(leftOut.map(({ name }) => name)).toEqual(['broken.pdf', 'cut.pdf', 'locked.pdf']);
  expect(leftOut[2]!.reason).toMatch(/password/);
});

test('a page that can’t be read is named, and the others are read', async () => {
  const pdf = makePdfOf([
    ...[CATALOGUE, pagesObject([4, 6]), FONT, pageObject(5), streamObject('', SAYS)],
    '<< /Type /Page /Parent 2 0 R /MediaBox 1 /Contents (x) /Resources 7 >>',
  ]);
  const { sections, leftOut } = await document('a.pdf', pdf);
  expect(sections[0]!.blocks[0]!.text).toBe('Where the ocelot sleeps.');
  expect(leftOut).toMatchObject([{ name: 'page 2' }]);
});

test('the end of a picture is looked for once where there is none', () => {
  const search = vi.spyOn(Uint8Array.prototype, 'indexOf');
  onTestFinished(() => search.mockRestore());
  for (const marks of ['ID ', 'BI ID ', 'BI ID E ', 'BI /F /A85 ID ~> EI ']) {
    search.mockClear();
    readContent(new Uint8Array(Buffer.from(marks.repeat(1_000))));
    expect(search.mock.calls.length, marks).toBeLessThan(3_000);
  }
});

test('maps as fonts have them are read', async () => {
  expect((await blocks('a.pdf', mapOf('<0041><0042><0050>\n<0043><0044>[<0061><0062>]')))[0]).toBe(
    'PQ',
  );
});

/** CSV and JSON: separators, quotes, digits as they are written, and names that files repeat. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRows } from '../../src/retrieve/parse/csv.ts';
import { blocks, document } from '../support/blocks.ts';

const TABLES: [what: string, csv: string, texts: string[]][] = [
  [
    'semicolons and decimal commas',
    'Item;Price\nChair;12,50\n"made of; oak";7,00\n',
    ['Item: Chair\nPrice: 12,50', 'Item: made of; oak\nPrice: 7,00'],
  ],
  ['tabs', 'a\tb\n1\t2,5\n', ['a: 1\nb: 2,5']],
  ['bars', 'a|b\n1|2,5\n', ['a: 1\nb: 2,5']],
  [
    'quotes behind a space',
    'name, remark\nAnna, "likes tea, milk"\nBen, "says ""hi""" \n',
    ['name: Anna\nremark: likes tea, milk', 'name: Ben\nremark: says "hi"'],
  ],
  ['lines that end with CR', 'a,b\r1,2\r3,4', ['a: 1\nb: 2', 'a: 3\nb: 4']],
  ['a separator that is declared', 'sep=;\r\na;b\r\n1,5;2\r\n', ['a: 1,5\nb: 2']],
  [
    'one column of sentences',
    'note\nhello, world\nfoo, bar, baz\n',
    ['note: hello, world', 'note: foo, bar, baz'],
  ],
  ['one column of prices', 'Preis\n12,50\n7,00\n', ['Preis: 12,50', 'Preis: 7,00']],
  ['a quote that nothing closes', 'a,b\n"5 inch,2\n3,4\n', ['a: "5 inch\nb: 2', 'a: 3\nb: 4']],
  ['a quote inside a cell', 'a,b\n5" pipe,2\n', ['a: 5" pipe\nb: 2']],
  ['rows longer than the header', 'a,b\n1,2,three\n', ['a: 1\nb: 2\nthree']],
  ['names of empty columns', 'a,okapi\n1,\n', ['a: 1', 'columns: okapi']],
  ['a header alone', 'a,b\n', ['a, b']],
  ['a byte order mark', '\uFEFFa,b\n1,2\n', ['a: 1\nb: 2']],
];

test.each(TABLES)('CSV: %s', async (_, csv, texts) => {
  expect(await blocks('a.csv', csv)).toEqual(texts);
});

test('whatever is written as CSV is read as it was', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ' ', '"', ',', ';', '\n', '\t') });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
      const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const csv = rows.map((row) => row.map(quoted).join(',')).join('\n');
      const kept = rows.filter((row) => row.some((text) => text.trim() !== ''));
      expect([...readRows(csv, ',')]).toEqual(kept);
    }),
  );
});

const VALUES: [what: string, json: string, texts: string[]][] = [
  [
    'digits as they are written',
    '[{"id":9007199254740993,"v":1.10,"e":1e3,"n":-0.0}]',
    ['id: 9007199254740993\nv: 1.10\ne: 1e3\nn: -0.0'],
  ],
  ['members of one name', '[{"a":1,"a":2}]', ['a: 1\na: 2']],
  [
    'lists in a record',
    '[{"tags":["red","green"],"at":[[1,2],[3]]}]',
    ['tags: red, green\nat.0: 1, 2\nat.1: 3'],
  ],
  ['records in a record', '[{"a":[{"b":1},{"b":2}]}]', ['a.0.b: 1\na.1.b: 2']],
  ['what is empty', '[{"okapi":{},"lemur":[]}]', ['okapi: {}\nlemur: []']],
  [
    'values in an object',
    '{"year":2026,"none":null,"yes":true}',
    ['year: 2026', 'none: null', 'yes: true'],
  ],
  ['escapes', '["a\\u00e9\\n\\"b\\""]', ['aé\n"b"']],
  ['a value alone', '"just text"', ['just text']],
];

test.each(VALUES)('JSON: %s', async (_, json, texts) => {
  expect(await blocks('a.json', json)).toEqual(texts);
});

test('every JSON is read, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.nat(), async (json, at) => {
      await document('a.json', json);
      const broken = json.slice(0, at % json.length);
      let isJson = true;
      try {
        JSON.parse(broken);
      } catch {
        isJson = false;
      }
      if (isJson) await document('a.json', broken);
      else await expect(document('a.json', broken)).rejects.toThrow('not JSON');
    }),
  );
});

test('the place of a fault is reported', async () => {
  await expect(document('a.json', '{\n"a": 1,\n}')).rejects.toThrow('not JSON: see line 3');
  const deep = '['.repeat(100_000);
  await expect(document('a.json', deep)).rejects.toThrow(/nested deeper than 512: flatten it/);
  const wide = `${'a,'.repeat(20_000)}\n`;
  await expect(document('a.csv', wide)).rejects.toThrow(/more than 16384 cells/);
});

/** Files whose names would be repeated for every value. */
const LONG = 'okapi '.repeat(10_000);
const AMPLIFYING: [name: string, content: string][] = [
  ['a.csv', `${LONG},b\n${'1,2\n'.repeat(30_000)}`],
  ['a.csv', `${'long column name,'.repeat(3_000)}\n${`${'1,'.repeat(3_000)}\n`.repeat(10)}`],
  ['a.json', `{"${LONG}":[${'1,'.repeat(30_000)}1]}`],
  ['a.json', `[{"${LONG}":[${'{"a":1},'.repeat(7_000)}{}]}]`],
  [
    'a.json',
    `[${`{"${'long name '.repeat(8)}":`.repeat(300)}[${'[1],'.repeat(20_000)}[]]${'}'.repeat(300)}]`,
  ],
  ['a.html', `<title>${LONG}</title>${'<p>a'.repeat(15_000)}`],
  ['a.md', `# ${LONG}\n\n${'a\n\n'.repeat(20_000)}`],
  ['a.py', `class ${LONG.replaceAll(' ', '')}:\n${'\n\na = 1'.repeat(9_000)}`],
];

test.each(AMPLIFYING)('%s of %.20s… stays about as large as it is', async (name, content) => {
  const { text, sections } = await document(name, content);
  const told = sections.flatMap(({ title, heading, blocks }) => [
    ...[title, heading],
    ...blocks.map((block) => block.text),
  ]);
  const most = 200_000 + 10 * content.length;
  expect(text.length).toBeLessThan(most);
  expect(told.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(most);
  expect(sections.every(({ title, heading }) => title.length <= 80 && heading.length <= 80)).toBe(
    true,
  );
  // What is cut short in front of values is told whole once.
  if (content.includes('okapi'))
    expect(told.join('\n')).toContain(
      LONG.slice(0, 500).replaceAll(' ', name === 'a.py' ? '' : ' '),
    );
});

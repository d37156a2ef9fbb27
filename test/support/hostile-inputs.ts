/** One of each kind of input that once stopped a service or held it up for seconds: files, and bodies of requests. */
import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import {
  makeDocx,
  makePdfOf,
  makeZip,
  pageObject,
  pagesObject,
  streamObject,
} from './documents.ts';

const LONG_NAME = 'okapi '.repeat(10_000);
/** Unpacks to some 45 MB. */
const docxBomb = () => makeDocx(Array.from({ length: 500_000 }, () => 'The tenant pays the rent.'));

const CATALOGUE = '<< /Type /Catalog /Pages 2 0 R >>';
const FONT = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>';
const pdf = (content: Buffer, trailer = '') =>
  makePdfOf([CATALOGUE, pagesObject([4]), FONT, pageObject(5), content], trailer);
const ENCRYPTION = `/Encrypt << /Filter /Standard /V 1 /R 2 /P -1 /O <${'ab'.repeat(32)}> /U <${'cd'.repeat(32)}> >> /ID [<00> <00>]`;
const encryptedPdf = () => pdf(streamObject('', 'BT /F1 11 Tf (a) Tj ET'), ENCRYPTION);
/** A picture in the page, a dictionary and a string that the file's end leaves open. */
const brokenPdf = () => pdf(streamObject('', 'BT /F1 11 Tf BI /W 1 << /A [ (b'));

/** So many bytes of rows, of which none is another's. */
export function table(bytes: number): string {
  const rows = ['id,name,description'];
  for (let i = 0, size = 0; size < bytes; i++) {
    const row = `${i},pear ${i % 977},"The pear number ${i} of the orchard, grafted in ${i % 97}"`;
    size += row.length + 1;
    rows.push(row);
  }
  return rows.join('\n');
}

/** Made when asked for, by name: what each is, and its extension. */
export const HOSTILE_FILES: Readonly<Record<string, () => string | Uint8Array<ArrayBuffer>>> = {
  'a header of 60,000 characters over 30,000 rows.csv': () =>
    `${LONG_NAME},b\n${'1,2\n'.repeat(30_000)}`,
  'the same as objects.json': () => `{"${LONG_NAME}":[${'{"a":1},'.repeat(30_000)}{}]}`,
  'nested a hundred thousand deep.json': () => `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  'lists in lists.html': () => `${'<ul>'.repeat(500)}${'<li>a'.repeat(4_000)}`,
  'a title of 60 kB over 15,000 paragraphs.html': () =>
    `<title>${LONG_NAME}</title>${'<p>a'.repeat(15_000)}`,
  'titles that never end.html': () => '<title'.repeat(20_000),
  'preformatted space.html': () => `<pre>${' '.repeat(200_000)}`,
  'blank lines.py': () => '\n'.repeat(40_000),
  'front matter of space.md': () => `---\n${' '.repeat(20_000)}\n---\ntext`,
  'marks of all kinds.md': () => '[`*<a b={'.repeat(20_000),
  'a line of 1 MB of code spans.md': () => '`a` '.repeat(250_000),
  'a title of 1 MB.md': () => `# ${'pear '.repeat(200_000)}`,
  'empty items of a list in a cell.html': () => `<table><td>a${'<li>'.repeat(500_000)}b`,
  'base64.txt': () => randomBytes(150_000).toString('base64'),
  'combining marks in turn.txt': () => `e${'\u0301\u0316'.repeat(200_000)}`,
  'a document that unpacks to 45 MB.docx': docxBomb,
  'the same in an archive.zip': () => makeZip({ 'a.docx': docxBomb(), 'b.docx': docxBomb() }),
  'an archive of a broken and an encrypted document.zip': () =>
    makeZip({ 'broken.pdf': brokenPdf(), 'encrypted.pdf': encryptedPdf() }),
  'an archive that is cut off.zip': () => makeZip({ 'a.md': 'text'.repeat(1_000) }).slice(0, -30),
  'encrypted.pdf': encryptedPdf,
  'broken.pdf': brokenPdf,
  'a page of 30 MB.pdf': () =>
    pdf(streamObject('/Filter /FlateDecode', deflateSync(Buffer.alloc(30_000_000, 'q Q ')))),
};

/** Near the 2 MB that a body may have. */
const BODY = 1_900_000;
const asked = (content: string) => ({ messages: [{ role: 'user', content }] });
const nested = (depth: number): object =>
  depth === 0 ? { type: 'string' } : { type: 'array', items: nested(depth - 1) };

/** Each is refused with a status of 400. */
export const HOSTILE_REQUESTS: Readonly<Record<string, () => { path: string; body: object }>> = {
  '2 MB of spaces': () => ({ path: '/v1/chat/completions', body: asked(' '.repeat(BODY)) }),
  'one letter two million times': () => ({
    path: '/v1/completions',
    body: { prompt: 'a'.repeat(BODY) },
  }),
  '800 kB of base64': () => ({
    path: '/v1/chat/completions',
    body: asked(randomBytes(600_000).toString('base64')),
  }),
  'a prediction of 1 MB of base64': () => ({
    path: '/v1/chat/completions',
    body: {
      ...asked('a'),
      prediction: { type: 'content', content: randomBytes(786_000).toString('base64') },
    },
  }),
  'a prompt of 950,000 token ids': () => ({
    path: '/v1/completions',
    body: { prompt: Array.from({ length: BODY / 2 }, (_, i) => i % 9) },
  }),
  'combining marks in turn': () => ({
    path: '/v1/completions',
    body: { prompt: `e${'\u0301\u0316'.repeat(BODY / 4)}` },
  }),
  'a schema nested a thousand deep': () => ({
    path: '/v1/chat/completions',
    body: {
      ...asked('a'),
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'deep', schema: nested(1_000) },
      },
    },
  }),
  'a million inputs to embed': () => ({
    path: '/v1/embeddings',
    body: { input: Array.from({ length: 400_000 }, () => 'a') },
  }),
};

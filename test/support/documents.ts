/** Small real documents of binary kinds, made byte by byte. */
import { crc32, deflateRawSync } from 'node:zlib';

/** A zip archive as other programs write it: deflated members, then the directory. */
export function makeZip(
  members: Readonly<Record<string, string | Uint8Array>>,
): Uint8Array<ArrayBuffer> {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(members)) {
    const plain = Buffer.from(content);
    const packed = deflateRawSync(plain);
    const fileName = Buffer.from(name);
    // Version, flags, method, time, date, crc, sizes and name length are the same in both headers.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(plain), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(plain.length, 18);
    common.writeUInt16LE(fileName.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, fileName, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, rest, fileName]));
    locals.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...locals, entries, end]));
}

/** A Word document of headings and paragraphs: a line that starts with `# ` is a heading. */
export function makeDocx(lines: readonly string[]): Uint8Array<ArrayBuffer> {
  const paragraphs = lines.map((line) => {
    const heading = line.startsWith('# ');
    const style = heading ? '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>' : '';
    return `<w:p>${style}<w:r><w:t>${heading ? line.slice(2) : line}</w:t></w:r></w:p>`;
  });
  return makeZip(docxParts(paragraphs.join('')));
}

const OFFICE = 'http://schemas.openxmlformats.org';
const WORD = `xmlns:w="${OFFICE}/wordprocessingml/2006/main"`;

/** The parts of a Word document, by name. @param parts more of them: elements by the part's type */
export function docxParts(
  body: string,
  parts: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const relations = ['styles', ...Object.keys(parts)].map(
    (type, index) =>
      `<Relationship Id="r${index}" Type="${OFFICE}/officeDocument/2006/relationships/${type}" Target="${type}.xml"/>`,
  );
  const made = Object.entries(parts).map(([type, elements]): [string, string] => [
    `word/${type}.xml`,
    `<?xml version="1.0"?><w:${type} ${WORD}>${elements}</w:${type}>`,
  ]);
  return {
    '[Content_Types].xml': `<?xml version="1.0"?><Types xmlns="${OFFICE}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
    '_rels/.rels': `<?xml version="1.0"?><Relationships xmlns="${OFFICE}/package/2006/relationships"><Relationship Id="r1" Type="${OFFICE}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
    'word/styles.xml': `<?xml version="1.0"?><w:styles ${WORD}><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style><w:style w:type="paragraph" w:styleId="Chapter"><w:basedOn w:val="Heading1"/></w:style></w:styles>`,
    'word/_rels/document.xml.rels': `<?xml version="1.0"?><Relationships xmlns="${OFFICE}/package/2006/relationships">${relations.join('')}</Relationships>`,
    'word/document.xml': `<?xml version="1.0"?><w:document ${WORD}><w:body>${body}</w:body></w:document>`,
    ...Object.fromEntries(made),
  };
}

export interface PdfLine {
  text: string;
  /** Type size in points. */
  size: number;
  /** From the bottom of the page, in points. */
  y: number;
  /** From its left edge; 72 unless said otherwise. */
  x?: number;
}

/** A PDF with a page for each list of lines, set in Helvetica. */
export function makePdf(pages: readonly (readonly PdfLine[])[]): Uint8Array<ArrayBuffer> {
  const contents = pages.map((lines) =>
    lines
      .map(
        ({ text, size, y, x = 72 }) =>
          `BT /F1 ${size} Tf ${x} ${y} Td (${text.replace(/[\\()]/g, '\\$&')}) Tj ET`,
      )
      .join('\n'),
  );
  const kids = pages.map((_, page) => 4 + 2 * page);
  return makePdfOf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    pagesObject(kids),
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    ...contents.flatMap((content, page) => [pageObject(5 + 2 * page), streamObject('', content)]),
  ]);
}

/** A PDF's tree of pages, by their objects' numbers. */
export function pagesObject(kids: readonly number[]): string {
  return `<< /Type /Pages /Count ${kids.length} /Kids [${kids.map((id) => `${id} 0 R`).join(' ')}] >>`;
}

/** A page whose tree of pages is object 2 and whose font F1 is object 3. */
export function pageObject(content: number, resources = ''): string {
  return `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${content} 0 R /Resources << /Font << /F1 3 0 R >> ${resources} >> >>`;
}

export function streamObject(dictionary: string, bytes: string | Uint8Array): Buffer {
  const content = Buffer.from(bytes as string, 'latin1');
  return Buffer.concat([
    Buffer.from(`<< ${dictionary} /Length ${content.length} >>\nstream\n`),
    content,
    Buffer.from('\nendstream'),
  ]);
}

/** A PDF of objects, the first of them the catalogue, numbered from 1. */
export function makePdfOf(
  objects: readonly (string | Buffer)[],
  trailer = '',
): Uint8Array<ArrayBuffer> {
  const parts = [Buffer.from('%PDF-1.4\n')];
  let length = parts[0]!.length;
  function add(part: string | Buffer): number {
    const bytes = Buffer.from(part as string, 'latin1');
    parts.push(bytes);
    length += bytes.length;
    return length - bytes.length;
  }
  const offsets = objects.map((object, index) => {
    const offset = add(`${index + 1} 0 obj\n`);
    add(object);
    add('\nendobj\n');
    return offset;
  });
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`);
  const table = add(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows.join('')}`);
  add(
    `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${table}\n%%EOF\n`,
  );
  return new Uint8Array(Buffer.concat(parts));
}

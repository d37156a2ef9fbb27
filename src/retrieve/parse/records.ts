/** JSON, JSON Lines and CSV to sections: every record becomes lines of `name: value`. */
import { DocumentBuilder } from './builder.ts';
import { type ParsedDocument, titleFromName, UnreadableFile } from './document.ts';

const MAX_DEPTH = 32;

export function parseJson(source: string, filename: string): ParsedDocument {
  return fromValue(readJson(source, 'the file is not JSON'), filename);
}

/** One JSON value a line. */
export function parseJsonLines(source: string, filename: string): ParsedDocument {
  const values = source
    .split('\n')
    .map((line, index) => [line, index] as const)
    .filter(([line]) => line.trim() !== '')
    .map(([line, index]) => readJson(line, `line ${index + 1} is not JSON`));
  return fromValue(values, filename);
}

function readJson(text: string, message: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnreadableFile('invalid_file', message, error);
  }
}

/** An array is a list of records; an object's members are sections of their own. */
function fromValue(value: unknown, filename: string): ParsedDocument {
  const builder = new DocumentBuilder(titleFromName(filename), true);
  if (Array.isArray(value)) {
    for (const record of value) builder.block(describe(record).join('\n'));
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      if (typeof member === 'object' && member !== null) {
        builder.heading(2, name);
        const records = Array.isArray(member) ? member : [member];
        for (const record of records) builder.block(describe(record).join('\n'));
      } else {
        builder.block(`${name}: ${String(member)}`);
      }
    }
  } else {
    builder.block(String(value));
  }
  return builder.build();
}

/** `path.to.member: value`, a line for each leaf. */
function describe(value: unknown, path = '', depth = 0): string[] {
  if (typeof value !== 'object' || value === null) {
    return [path === '' ? String(value) : `${path}: ${String(value)}`];
  }
  if (depth === MAX_DEPTH) return [`${path}: …`];
  return Object.entries(value).flatMap(([name, member]) =>
    describe(member, path === '' ? name : `${path}.${name}`, depth + 1),
  );
}

/** Comma or tab separated, quoted as RFC 4180 has it; the first row names the columns. */
export function parseCsv(source: string, filename: string, separator: ',' | '\t'): ParsedDocument {
  const builder = new DocumentBuilder(titleFromName(filename), true);
  const [header, ...rows] = readRows(source, separator);
  if (!header) return builder.build();
  for (const row of rows) {
    const lines = row.map((cell, column) => {
      const name = header[column]?.trim();
      return cell.trim() === '' ? '' : `${name ? `${name}: ` : ''}${cell.trim()}`;
    });
    builder.block(lines.filter((line) => line !== '').join('\n'));
  }
  if (rows.length === 0) builder.block(header.join(', '));
  return builder.build();
}

export function readRows(source: string, separator: ',' | '\t'): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;

  function endRow(): void {
    row.push(cell);
    cell = '';
    if (row.some((value) => value.trim() !== '')) rows.push(row);
    row = [];
  }

  for (let at = 0; at < source.length; at++) {
    const character = source[at]!;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (source[at + 1] === '"') cell += source[at++];
      else quoted = false;
    } else if (character === '"' && cell === '') {
      quoted = true;
    } else if (character === separator) {
      row.push(cell);
      cell = '';
    } else if (character === '\n') {
      endRow();
    } else if (character !== '\r') {
      cell += character;
    }
  }
  endRow();
  return rows;
}

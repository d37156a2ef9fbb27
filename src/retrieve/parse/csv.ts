/** CSV and TSV to sections: every row becomes lines of `name: cell`, as the header names the columns. */
import { DocumentBuilder } from './builder.ts';
import {
  oneLine,
  type ParsedDocument,
  shortTitle,
  titleFromName,
  UnreadableFile,
} from './document.ts';
import { NameBudget } from './name-budget.ts';
import { type Parsing, SLICE, Slices } from './slices.ts';

/** Cells of a row: more than any spreadsheet writes. */
const MAX_CELLS = 16_384;
/** Characters between two quotes. A quote that is not closed by then is a character like others. */
const MAX_QUOTED = 131_072;
/** Read of a file to find what separates its cells. */
const SAMPLE_CHARACTERS = 65_536;
const SAMPLE_ROWS = 64;
/** Of the rows that must have as many cells as the header. */
const AGREEMENT = 0.8;

const SEPARATORS = [',', ';', '\t', '|'] as const;
type Separator = (typeof SEPARATORS)[number];

/** @param usual what separates the cells of files of this name. */
export function* parseCsv(source: string, filename: string, usual: Separator): Parsing {
  const builder = new DocumentBuilder(titleFromName(filename), true);
  const declared = /^sep=(.)(?:\r\n|\n|\r)/i.exec(source.slice(0, 8));
  const body = declared ? source.slice(declared[0].length) : source;
  const rows = readRows(body, declared ? declared[1]! : findSeparator(body, usual));
  let table: Table | undefined;
  let read = 0;
  for (const row of rows) {
    if (row.length === 0) read = SLICE;
    else if (table) read += table.add(row);
    else table = yield* Table.headed(row, builder, source.length);
    if (read < SLICE) continue;
    yield;
    read = 0;
  }
  return table?.end() ?? builder.build();
}

class Table {
  private readonly header: string[];
  private readonly names: string[];
  private readonly builder: DocumentBuilder;
  private readonly budget: NameBudget;
  /** Columns whose whole name is in some row's text. */
  private readonly named: boolean[];
  private rows = 0;

  /** Reads the names of the columns in slices. */
  static *headed(
    header: readonly string[],
    builder: DocumentBuilder,
    source: number,
  ): Generator<void, Table> {
    const whole: string[] = [];
    const short: string[] = [];
    let read = 0;
    for (const name of header) {
      whole.push(oneLine(name));
      short.push(shortTitle(name));
      read += name.length;
      if (read < SLICE) continue;
      yield;
      read = 0;
    }
    return new Table(whole, short, builder, source);
  }

  private constructor(header: string[], names: string[], builder: DocumentBuilder, source: number) {
    this.budget = new NameBudget(source);
    this.header = header;
    this.names = names;
    this.named = this.header.map((name) => name === '');
    this.builder = builder;
  }

  /** Gives the characters read. */
  add(row: readonly string[]): number {
    const lines: string[] = [];
    const before = this.builder.length;
    let read = row.length;
    row.forEach((cell, column) => {
      const text = cell.trim();
      read += cell.length;
      if (text === '') return;
      const name = this.names[column] ?? '';
      if (name === '' || !this.budget.spend(name.length + 2, text.length + 1, before)) {
        lines.push(text);
      } else {
        lines.push(`${name}: ${text}`);
        this.named[column] ||= name === this.header[column];
      }
    });
    this.builder.block(lines.join('\n'));
    this.rows++;
    return read;
  }

  /** The document. Names that are in no row's text are at its end. */
  end(): ParsedDocument {
    if (this.rows === 0) this.builder.block(this.header.join(', '));
    else {
      const unnamed = this.header.filter((_, column) => !this.named[column]);
      if (unnamed.length > 0) this.builder.block(`columns: ${unnamed.join(', ')}`);
    }
    return this.builder.build();
  }
}

/**
 * The separator by which most rows have as many cells as the header. A header of
 * one cell has no separator: then a comma in a row is part of a number or a sentence.
 */
function findSeparator(source: string, usual: Separator): string {
  const sample = source.slice(0, SAMPLE_CHARACTERS);
  let best = '';
  let bestCells = 1;
  let bestAgreement = AGREEMENT;
  for (const separator of [usual, ...SEPARATORS.filter((other) => other !== usual)]) {
    const counts: number[] = [];
    for (const row of readRows(sample, separator)) {
      counts.push(row.length);
      if (counts.length === SAMPLE_ROWS) break;
    }
    const [cells = 0, ...others] = counts;
    if (cells < 2) continue;
    const agreement = others.filter((count) => count === cells).length / (others.length || 1);
    const better = agreement > bestAgreement || (agreement === bestAgreement && cells > bestCells);
    if (others.length === 0 ? cells > bestCells : better) {
      best = separator;
      bestCells = cells;
      bestAgreement = agreement;
    }
  }
  return best || (firstRow(sample, usual) > 1 ? usual : '');
}

function firstRow(source: string, separator: string): number {
  return readRows(source, separator).next().value?.length ?? 0;
}

/**
 * Rows of cells, quoted as RFC 4180 has it, blank rows left out: of a slice of those
 * one without cells. A quote may follow spaces; a line ends with LF, CRLF or CR. Linear
 * in the source.
 * Throws `UnreadableFile` for a row of too many cells.
 * @param separator one character, or none for one cell a row.
 */
export function* readRows(source: string, separator: string): Generator<string[], undefined> {
  const end = new RegExp(`[\\r\\n${separator === '' ? '' : `\\${separator}`}]`, 'g');
  let row: string[] = [];
  const slices = new Slices();
  for (let at = 0; at < source.length; ) {
    const quoted = readQuoted(source, at, separator);
    end.lastIndex = quoted ? quoted.end : at;
    const ended = end.exec(source)?.index ?? source.length;
    const rest = source.slice(quoted ? quoted.end : at, ended);
    row.push(quoted ? quoted.text + rest.trimEnd() : rest);
    at = ended + 1;
    if (source[ended] === separator) {
      if (row.length >= MAX_CELLS) {
        throw new UnreadableFile(
          'invalid_file',
          `a row has more than ${MAX_CELLS} cells: give every record a line of its own`,
        );
      }
      if (at < source.length) continue;
    }
    const isBlank = row.every((cell) => cell.trim() === '');
    if (!isBlank || slices.endBefore(at)) yield isBlank ? [] : row;
    row = [];
  }
  return undefined;
}

/** The text between quotes that begins at `at`, after spaces at most, and where it ends. */
function readQuoted(source: string, at: number, separator: string) {
  let from = at;
  while (source[from] === ' ' || (source[from] === '\t' && separator !== '\t')) from++;
  if (source[from] !== '"') return null;
  const parts: string[] = [];
  for (let start = from + 1; ; ) {
    const close = source.indexOf('"', start);
    if (close < 0 || close - from > MAX_QUOTED) return null;
    if (source[close + 1] !== '"') {
      parts.push(source.slice(start, close));
      return { text: parts.join(''), end: close + 1 };
    }
    parts.push(source.slice(start, close + 1));
    start = close + 2;
  }
}

/**
 * Tables of a flow: a row is a line `| cell | cell |`. A table in a cell becomes
 * text of that cell, so that the outer row keeps all its words.
 */

/** Tables in each other that keep their rows apart. Text is copied once a level: deeper ones run on. */
const MAX_NESTED = 8;

/** Characters of a row, and of a table in a cell. With more it is layout, so that no step takes long. */
const MAX_ROW = 65_536;

/** What the tables write into. */
export interface TableHost {
  /** The text that is being read. */
  line: string;
  endBlock(): void;
  endLine(): void;
  pushLine(line: string): void;
}

interface Table {
  /** Data has rows; layout has paragraphs for cells; a run-on table is text of the cell around it. */
  kind: 'data' | 'layout' | 'run-on';
  isNested: boolean;
  /** Text of the cell around it, up to the table. */
  outer: string;
  /** Of the open row; null between rows. */
  cells: string[] | null;
  inCell: boolean;
  /** Whether the open cell is a heading of its row or column. */
  isHeading: boolean;
  /** Of a nested table. */
  rows: string[];
  /** Of the cells, or of a nested table's rows and cells. */
  characters: number;
  hasHeader: boolean;
}

export class Tables {
  private readonly host: TableHost;
  private readonly stack: Table[] = [];
  /** Nested tables around the text. */
  private nesting = 0;

  constructor(host: TableHost) {
    this.host = host;
  }

  /** Whether text belongs to a table's cell, whose end alone may end a block. */
  get holdText(): boolean {
    const top = this.stack.at(-1);
    if (!top || top.kind === 'layout') return false;
    return top.kind === 'run-on' || top.inCell || top.isNested;
  }

  /** Whether a heading here is one of a row or column. */
  get inHeadingCell(): boolean {
    return this.holdText && this.stack.at(-1)!.isHeading;
  }

  open(): void {
    const isNested = this.holdText;
    const kind = isNested && this.nesting >= MAX_NESTED ? 'run-on' : 'data';
    if (!isNested) this.host.endBlock();
    this.nesting = isNested ? this.nesting + 1 : 0;
    this.stack.push({
      kind,
      isNested,
      outer: isNested && kind === 'data' ? this.take() : '',
      cells: null,
      inCell: false,
      isHeading: false,
      rows: [],
      characters: 0,
      hasHeader: false,
    });
  }

  openRow(): void {
    const top = this.stack.at(-1);
    if (top?.kind !== 'data') return this.separate(top);
    this.closeRow();
    const stray = this.take();
    if (stray.trim() !== '') this.endRow(top, [stray]);
    top.cells = [];
  }

  openCell(isHeading: boolean): void {
    const top = this.stack.at(-1);
    if (top?.kind !== 'data') return this.separate(top);
    if (!top.cells) this.openRow();
    this.closeCell();
    top.inCell = true;
    top.isHeading = isHeading;
  }

  /** Text of a row outside its cells is a cell too. */
  closeCell(): void {
    const top = this.stack.at(-1);
    if (top?.kind !== 'data') return this.separate(top);
    if (!top.cells) return;
    const text = this.take();
    if (top.inCell || text.trim() !== '') top.cells.push(text);
    top.inCell = false;
    // Empty cells take time, too.
    top.characters += text.length + 1;
    if (top.characters > MAX_ROW) this.unwrap();
  }

  closeRow(): void {
    const top = this.stack.at(-1);
    if (top?.kind !== 'data') return this.separate(top);
    if (!top.cells) return;
    this.closeCell();
    const { cells } = top;
    top.cells = null;
    if (cells && cells.length > 0) this.endRow(top, cells);
  }

  close(): void {
    const top = this.stack.at(-1);
    if (!top) return this.separate(top);
    if (top.kind === 'data') {
      this.closeRow();
      const stray = this.take();
      if (stray.trim() !== '') this.endRow(top, [stray]);
    }
    this.stack.pop();
    this.nesting = Math.max(0, this.nesting - 1);
    if (top.kind === 'run-on') this.host.line += ' ';
    else if (top.isNested) this.host.line = `${top.outer} ${top.rows.join('; ')} `;
    else this.host.endBlock();
  }

  /** Makes layout of all open tables, for what no row can hold: their text so far becomes paragraphs. */
  unwrap(): void {
    const first = this.stack.findLastIndex(({ kind }) => kind === 'layout') + 1;
    const open = this.stack.slice(first);
    if (open.length === 0) return;
    const pieces = open.flatMap(({ outer, rows, cells }) => [outer, ...rows, ...(cells ?? [])]);
    pieces.push(this.take());
    for (const table of open) {
      table.kind = 'layout';
      Object.assign(table, { isNested: false, outer: '', rows: [], cells: null, inCell: false });
    }
    this.nesting = 0;
    this.host.endBlock();
    for (const piece of pieces) {
      this.host.line = piece;
      this.host.endBlock();
    }
  }

  private endRow(table: Table, cells: readonly string[]): void {
    if (!table.isNested) table.characters = 0;
    const texts = cells.map((cell) => cell.replace(/\s+/g, ' ').trim());
    if (texts.every((text) => text === '')) return;
    if (table.isNested) {
      table.rows.push(texts.filter((text) => text !== '').join(', '));
      return;
    }
    this.host.pushLine(`| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`);
    if (!table.hasHeader) this.host.pushLine(`| ${texts.map(() => '---').join(' | ')} |`);
    table.hasHeader = true;
  }

  /** Outside rows the border of a cell is that of a paragraph. */
  private separate(table: Table | undefined): void {
    if (table?.kind === 'run-on') this.host.line += ' ';
    else this.host.endBlock();
  }

  private take(): string {
    const { line } = this.host;
    this.host.line = '';
    return line;
  }
}

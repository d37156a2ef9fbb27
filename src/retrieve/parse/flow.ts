/**
 * Running text, lists and tables to blocks, for formats that have elements. Its
 * verbs may come in any order: what is left open is closed, and nothing is lost.
 */
import type { DocumentBuilder } from './builder.ts';
import { cutOf } from './slices.ts';
import { Tables } from './tables.ts';

/** A list or table is one block up to here: beyond, it continues in another. */
const MAX_LINES = 60;
/** Items nested deeper are not indented further: every line would be mostly spaces. */
const MAX_INDENT = 8;

/** A paragraph or cell longer than this is data: it is cut between words, so that no step takes long. */
export const MAX_PARAGRAPH = 65_536;

export class Flow {
  readonly tables: Tables;
  /** Text of the paragraph, item or cell at hand. */
  line = '';
  private readonly builder: DocumentBuilder;
  /** Before the line: the indent and mark of a list's item. */
  private mark = '';
  /** Lines of the list or table at hand. */
  private lines: string[] = [];

  constructor(builder: DocumentBuilder) {
    this.builder = builder;
    this.tables = new Tables(this);
  }

  /** Adds text to the line. */
  text(text: string): void {
    this.line += text;
    if (this.line.length < MAX_PARAGRAPH) return;
    this.tables.unwrap();
    const cut = cutOf(this.line);
    const rest = this.line.slice(cut);
    this.line = this.line.slice(0, cut);
    this.endBlock();
    this.line = rest;
  }

  /** Ends a paragraph, which in a cell or item is only a part of its text. */
  endParagraph(): void {
    if (this.tables.holdText || this.mark !== '') this.line += ' ';
    else this.endBlock();
  }

  /** Begins an item of a list. @param depth 0 for an outermost list's */
  item(depth: number, mark: string): void {
    if (this.tables.holdText) {
      // A list in a cell stays in its row. Empty items would make a long line of separators.
      if (!this.line.endsWith('; ') && this.line.trim() !== '')
        this.line = `${this.line.trimEnd()}; `;
      return;
    }
    this.endLine();
    this.mark = `${'  '.repeat(Math.min(depth, MAX_INDENT))}${mark} `;
  }

  endItem(): void {
    if (!this.tables.holdText) this.endLine();
  }

  /** Ends a list that is in no other. */
  endList(): void {
    if (!this.tables.holdText) this.endBlock();
  }

  heading(level: number, text: string): void {
    this.tables.unwrap();
    this.endBlock();
    this.builder.heading(level, text);
  }

  code(text: string, language: string): void {
    this.tables.unwrap();
    this.endBlock();
    this.builder.block(`\`\`\`${language}\n${text}\n\`\`\``);
  }

  endBlock(): void {
    this.endLine();
    this.flush();
  }

  endLine(): void {
    const text = tidy(this.line);
    this.line = '';
    if (text !== '') this.pushLine(this.mark + text);
    this.mark = '';
  }

  pushLine(line: string): void {
    this.lines.push(line);
    if (this.lines.length >= MAX_LINES) this.flush();
  }

  private flush(): void {
    if (this.lines.length === 0) return;
    this.builder.block(this.lines.join('\n'));
    this.lines = [];
  }
}

/** Line breaks stay, white space around them goes. */
function tidy(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .join('\n')
    .trim();
}

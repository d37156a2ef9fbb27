/** HTML to sections: the words, in blocks, written the way markdown would have them. */
import { Parser } from 'htmlparser2';
import { DocumentBuilder } from './builder.ts';
import { type ParsedDocument, titleFromName } from './document.ts';

/** Not what a page says: its machinery, and the ways around the site. */
const SKIPPED = new Set(
  'script style noscript template svg canvas iframe object nav footer select button'.split(' '),
);
/** Elements that run on in a line; all others end a block. */
const INLINE = new Set(
  `a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp small span
  strike strong sub sup time tt u var wbr`.split(/\s+/),
);
/** A list or table is one block up to here: beyond, it goes on in another. */
const MAX_LINES = 60;
/** Deeper nesting is no document; it stops being followed. */
const MAX_DEPTH = 512;

export function parseHtml(source: string, filename: string): ParsedDocument {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(source.slice(0, 65_536))?.[1]?.trim();
  const builder = new DocumentBuilder(titleFromName(filename), false);
  const reader = new HtmlReader(builder);
  const parser = new Parser(reader, { decodeEntities: true, lowerCaseTags: true });
  parser.write(source);
  parser.end();
  reader.finish();
  const document = builder.build();
  if (title && document.sections.every((section) => section.title === titleFromName(filename))) {
    for (const section of document.sections) section.title = title;
  }
  return document;
}

/** Takes the parser's events. Lines of a list or table gather in `lines`, the running line in `line`. */
class HtmlReader {
  private readonly builder: DocumentBuilder;
  private line = '';
  private lines: string[] = [];
  private skipping = 0;
  private depth = 0;
  private pre = 0;
  private language = '';
  private lists: { ordered: boolean; items: number }[] = [];
  private rows = 0;
  private cells: string[] | null = null;

  constructor(builder: DocumentBuilder) {
    this.builder = builder;
  }

  onopentag(name: string, attributes: Record<string, string>): void {
    this.depth++;
    if (this.skipping > 0 || SKIPPED.has(name) || this.depth > MAX_DEPTH) {
      this.skipping++;
      return;
    }
    if (name === 'br') this.line += '\n';
    else if (name === 'pre') this.openPre();
    else if (name === 'code') this.openCode(attributes);
    else if (name === 'ul' || name === 'ol') this.openList(name === 'ol');
    else if (name === 'li') this.openItem();
    else if (name === 'table') this.openTable();
    else if (name === 'tr') this.cells = [];
    else if (name === 'td' || name === 'th') this.openCell();
    else if (/^h[1-6]$/.test(name)) this.endBlock();
    else if (!INLINE.has(name) && this.pre === 0) this.endParagraph();
  }

  ontext(text: string): void {
    if (this.skipping > 0) return;
    this.line += this.pre > 0 ? text : text.replace(/\s+/g, ' ');
  }

  onclosetag(name: string): void {
    this.depth--;
    if (this.skipping > 0) {
      this.skipping--;
      return;
    }
    if (name === 'pre') this.closePre();
    else if (name === 'code') this.line += this.pre > 0 ? '' : '`';
    else if (name === 'ul' || name === 'ol') this.closeList();
    else if (name === 'li') this.endLine();
    else if (name === 'td' || name === 'th') this.closeCell();
    else if (name === 'tr') this.closeRow();
    else if (name === 'table') this.endBlock();
    else if (name === 'title') this.line = '';
    else if (/^h[1-6]$/.test(name)) this.closeHeading(Number(name[1]));
    else if (!INLINE.has(name) && name !== 'br' && this.pre === 0) this.endParagraph();
  }

  finish(): void {
    this.endBlock();
  }

  private openPre(): void {
    if (this.pre++ === 0) {
      this.endBlock();
      this.language = '';
    }
  }

  private openCode(attributes: Record<string, string>): void {
    if (this.pre > 0) this.language ||= /language-(\w+)/.exec(attributes.class ?? '')?.[1] ?? '';
    else this.line += '`';
  }

  private closePre(): void {
    if (this.pre === 0 || --this.pre > 0) return;
    const code = this.line.replace(/^\n+/, '').trimEnd();
    this.line = '';
    if (code !== '') this.builder.block(`\`\`\`${this.language}\n${code}\n\`\`\``);
  }

  private openList(ordered: boolean): void {
    if (this.lists.length === 0) this.endBlock();
    else this.endLine();
    this.lists.push({ ordered, items: 0 });
  }

  private openItem(): void {
    this.endLine();
    const list = this.lists[this.lists.length - 1];
    const mark = list?.ordered ? `${++list.items}. ` : '- ';
    this.line = '  '.repeat(Math.max(0, this.lists.length - 1)) + mark;
  }

  private closeList(): void {
    this.endLine();
    this.lists.pop();
    if (this.lists.length === 0) this.endBlock();
  }

  private openTable(): void {
    this.endBlock();
    this.rows = 0;
  }

  /** A cell outside a row is no table's: its words are a paragraph's. */
  private openCell(): void {
    if (this.cells) this.line = '';
    else this.endParagraph();
  }

  private closeCell(): void {
    if (!this.cells) return this.endParagraph();
    this.cells.push(this.line.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim());
    this.line = '';
  }

  private closeRow(): void {
    const cells = this.cells;
    this.cells = null;
    this.line = '';
    if (!cells || cells.length === 0) return;
    this.pushLine(`| ${cells.join(' | ')} |`);
    if (this.rows++ === 0) this.pushLine(`| ${cells.map(() => '---').join(' | ')} |`);
  }

  private closeHeading(level: number): void {
    this.builder.heading(level, this.line.replace(/[`\s]+/g, ' '));
    this.line = '';
  }

  /** A paragraph ends a block, but inside a list or table only the line. */
  private endParagraph(): void {
    if (this.cells) this.line += ' ';
    else if (this.lists.length > 0) this.line = this.line.trimEnd() + (this.line.trim() && ' ');
    else this.endBlock();
  }

  private endLine(): void {
    const line = this.line.replace(/[^\S\n]*\n[^\S\n]*/g, '\n').trimEnd();
    this.line = '';
    if (!/^\s*(?:-|\d+\.)?\s*$/.test(line)) this.pushLine(line);
  }

  private pushLine(line: string): void {
    this.lines.push(line);
    if (this.lines.length >= MAX_LINES) this.endLines();
  }

  private endLines(): void {
    this.builder.block(this.lines.join('\n'));
    this.lines = [];
  }

  private endBlock(): void {
    if (this.lists.length === 0) this.line = this.line.trimStart();
    this.endLine();
    this.endLines();
  }
}

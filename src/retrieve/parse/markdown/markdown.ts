/**
 * Markdown to sections. Markup goes and every word stays: links keep their
 * words, tags go, code stays as it is. It works line by line, so that every
 * block knows where in the source it is, and once over the source.
 */
import {
  counted,
  type LeftOut,
  oneLine,
  requireRoom,
  shortTitle,
  titleFromName,
} from '../document.ts';
import { Sections } from '../sections.ts';
import { cutOf, type Parsing, Slices } from '../slices.ts';
import { Fence } from './fence.ts';
import { readFrontMatter } from './front-matter.ts';
import { cleanInline } from './inline.ts';
import { Page } from './page.ts';
import { withoutPictures } from './pictures.ts';

const HEADING = /^ {0,3}(#{1,6})\s+(?=\S)/;
/** A heading's address, which MDX requires escaped. */
const ANCHOR = /\\?\{#[\w:.-]*\}$/;
const LIST_ITEM = /^\s*(?:[-*+]|\d{1,9}[.)])\s/;
/** What begins or ends a container, in several extensions: a name alone is its kind, with more it is text. */
const DIRECTIVE =
  /^\s*(?::{3,}(?:\s*[\w-]*(?:\{[^{}]*\})?\s*$)?|\/\/\/(?=\s|$)|\[TOC\](?=\s*$))\s*/;
/** A definition of a reference: a label and a target, with a title or without. */
const DEFINITION = /^\s{0,3}\[([^[\]]+)\]:\s+(\S+)(?:\s+["'(](.*)["')])?\s*$/;
/** What a target looks like that is no word. */
const ADDRESS = /^(?:<.*>|[a-z][a-z\d+.-]*:\/\/.*|(?:mailto|data):.*|\.{1,2}\/.*|#.*)$/i;

/** Characters of a line. A longer one is read as several, so that no slice takes long. */
const MAX_LINE = 32_768;

export function* parseMarkdown(original: string, filename: string): Parsing {
  requireRoom(original.length);
  const { source, pictures } = yield* withoutPictures(original);
  const page = new Page(source, /\.mdx$/i.test(filename));
  yield* page.survey();
  const reader = new MarkdownReader(page, filename);
  const slices = new Slices();
  let lineEnd = -1;
  for (let start = reader.bodyStart; start < source.length; ) {
    const continues = start <= lineEnd;
    if (!continues) {
      const newline = source.indexOf('\n', start);
      lineEnd = newline < 0 ? source.length : newline;
    }
    const isLong = lineEnd - start > MAX_LINE;
    const end = isLong ? start + cutOf(source.slice(start, start + MAX_LINE)) : lineEnd;
    if (continues) reader.readOn(start, end);
    else reader.read(start, end, lineEnd);
    start = end === lineEnd ? end + 1 : end;
    if (slices.endBefore(start) || end < lineEnd) yield;
  }
  const leftOut = reader.leftOut();
  if (pictures > 0) {
    leftOut.push({ name: counted('picture', pictures), reason: 'written into the text as data' });
  }
  return { text: source, sections: reader.finish(), leftOut };
}

class MarkdownReader {
  /** Where the page begins, after its front matter. */
  readonly bodyStart: number;
  private readonly source: string;
  private readonly page: Page;
  private readonly sections: Sections;
  private titled = false;
  /** Lines of the block at hand, with the range they come from. */
  private lines: string[] = [];
  private start = 0;
  private end = 0;
  private fence: Fence | null = null;
  /** Behind a comment or tag that spans lines. */
  private skipUntil = 0;
  private inList = false;
  private inIndentedCode = false;
  /** Whether the line at hand is a table's row. */
  private inRow = false;
  private comments = 0;
  private imports = 0;

  constructor(page: Page, filename: string) {
    const { source } = page;
    this.source = source;
    this.page = page;
    this.sections = new Sections(titleFromName(filename));
    const front = readFrontMatter(source);
    this.bodyStart = front?.end ?? 0;
    if (!front) return;
    const title = plain(front.title);
    this.name(title);
    // A title cut short is whole before the text.
    const whole = shortTitle(title) === title ? '' : title;
    const text = [whole, front.text].filter((part) => part !== '').join('\n');
    const { start, end } = front;
    if (text !== '') this.sections.add({ text, start, end: Math.min(end, source.length) });
  }

  /** Reads a line, or the first piece of one that is too long and ends at `lineEnd`. */
  read(start: number, end: number, lineEnd: number): void {
    this.inRow = false;
    // Inside a comment or tag that ends in a later line.
    if (end < this.skipUntil) return;
    const from = Math.max(start, this.skipUntil);
    const raw = flat(this.source.slice(from, end));
    const rest = this.source.slice(end, lineEnd);
    // A mark that takes a whole line is none where the line goes on.
    const isWhole = rest.trim() === '';
    if (this.fence) return this.readCode(this.fence, raw, isWhole, start, end);
    if (raw.trim() === '') return from === start && isWhole ? this.endBlock() : undefined;
    const fence = from === start ? Fence.open(raw, rest) : null;
    if (fence) {
      this.endBlock();
      this.fence = fence;
      this.keep(fence.opening, start, end);
    } else if (this.startsIndentedCode(raw)) {
      this.keep(raw, start, end);
    } else {
      this.readText(from, isWhole, start, end);
    }
  }

  /** Reads a further piece of a line: no block begins or ends in it. */
  readOn(start: number, end: number): void {
    if (end < this.skipUntil) return;
    const from = Math.max(start, this.skipUntil);
    const isCode = this.fence !== null || this.inIndentedCode;
    const text = isCode ? flat(this.source.slice(from, end)) : this.clean(from, end, true);
    if (isCode || text.trim() !== '') this.keep(text, start, end);
  }

  finish() {
    this.endBlock();
    return this.sections.end();
  }

  leftOut(): LeftOut[] {
    const left: LeftOut[] = [];
    const { comments, imports } = this;
    if (comments > 0)
      left.push({ name: counted('comment', comments), reason: 'not shown to readers' });
    if (imports > 0) left.push({ name: counted('import', imports), reason: 'code of the page' });
    return left;
  }

  private name(title: string): void {
    if (title === '' || this.titled) return;
    this.titled = true;
    this.sections.rename(shortTitle(title));
  }

  private readCode(fence: Fence, raw: string, isWhole: boolean, start: number, end: number): void {
    this.keep(fence.withoutIndent(raw), start, end);
    if (!isWhole || !fence.isClosedBy(raw)) return;
    this.fence = null;
    this.endBlock();
  }

  /** Four spaces after a blank line, but not in a list, whose items' text is indented too. */
  private startsIndentedCode(raw: string): boolean {
    const isIndented = raw.startsWith('    ');
    const isItem = LIST_ITEM.test(raw);
    if (isItem && !isIndented) this.inList = true;
    else if (this.lines.length === 0 && !/^\s/.test(raw)) this.inList = false;
    const mayStart = this.lines.length === 0 || this.inIndentedCode;
    this.inIndentedCode = isIndented && !this.inList && mayStart;
    return this.inIndentedCode;
  }

  private readText(from: number, isWhole: boolean, start: number, end: number): void {
    const raw = this.source.slice(from, end);
    const heading = HEADING.exec(raw);
    if (heading) return this.readHeading(heading, start, from + heading[0].length, end);
    if (isWhole && isImport(raw.trim())) {
      this.imports++;
      return;
    }
    const defined = isWhole ? DEFINITION.exec(raw) : null;
    if (defined && this.isDefinition(defined[1]!, defined[2]!)) {
      if (defined[3]) this.keep(defined[3], start, end);
      return;
    }
    const directive = isWhole ? (DIRECTIVE.exec(raw)?.[0].length ?? 0) : 0;
    if (directive > 0 && raw.slice(directive).trim() === '') return;
    this.inRow = raw.trimStart().startsWith('|');
    const text = this.clean(from + directive, end, false);
    if (text.trim() === '') this.endBlock();
    else this.keep(text, start, end);
  }

  private readHeading(heading: RegExpExecArray, start: number, from: number, end: number): void {
    const words = plain(this.clean(from, end, false).replace(ANCHOR, ''));
    this.endBlock();
    this.inList = false;
    if (heading[1]!.length === 1) this.name(words);
    this.sections.start(words, start, end);
  }

  private clean(from: number, to: number, continues: boolean): string {
    const { text, end, comments } = cleanInline(this.page, from, to, continues);
    this.skipUntil = end;
    this.comments += comments.filter((comment) => /[\p{L}\p{N}]/u.test(comment)).length;
    const line = flat(text).trimEnd();
    return this.inRow ? line.replace(/-{4,}/g, '---').replace(/ {2,}/g, ' ') : line;
  }

  /** A footnote is text, and so is what only looks like a definition. */
  private isDefinition(label: string, target: string): boolean {
    return !label.startsWith('^') && (ADDRESS.test(target) || this.page.refersTo(label));
  }

  private keep(text: string, start: number, end: number): void {
    if (this.lines.length === 0) this.start = start;
    this.lines.push(text);
    this.end = end;
  }

  private endBlock(): void {
    const { lines, start, end } = this;
    while (lines.at(-1)?.trim() === '') lines.pop();
    if (lines.length > 0) this.sections.add({ text: lines.join('\n'), start, end });
    this.lines = [];
    this.inIndentedCode = false;
  }
}

function flat(line: string): string {
  return line.replaceAll('\r', '').replaceAll('\t', '  ');
}

/** `import … from '…'` and nothing more: a sentence may begin like it. */
function isImport(bare: string): boolean {
  if (!bare.startsWith('import')) return false;
  const from = bare.lastIndexOf('from');
  const names = from < 0 ? '' : bare.slice('import'.length, from);
  const path = bare.slice(from < 0 ? 'import'.length : from + 'from'.length).trimStart();
  return /^[\w$*{},\s]*$/.test(names) && /^(?:"[^"]*"|'[^']*');?$/.test(path);
}

/** A heading's words, without marks of emphasis and code. */
function plain(heading: string): string {
  const words = oneLine(heading).replace(/[`*]/g, '').replace(/ #+$/, '');
  // An underscore inside a word is the word's.
  return words
    .replace(/_+/g, (run, at: number) => {
      const isInside = /\w/.test(words[at - 1] ?? '') && /\w/.test(words[at + run.length] ?? '');
      return isInside ? run : '';
    })
    .trim();
}

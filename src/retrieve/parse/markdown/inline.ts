/**
 * Takes the markup out of a line: links keep their words, images their
 * descriptions, code spans stay as they are. One pass, without backtracking.
 */
import { decodeHTMLStrict } from 'entities/decode';
import { visible } from '../visible.ts';
import { type Brackets, matchBrackets } from './brackets.ts';
import { MAX_LABEL, type Page } from './page.ts';
import { readTag } from './tag.ts';

export interface CleanLine {
  text: string;
  /** In the source, where reading continues: after the line, or further where a comment or tag spans lines. */
  end: number;
  /** Comments left out. */
  comments: string[];
}

const SPECIAL = /[\\`<![\]&{]/g;
const AUTOLINK = /<([a-z][a-z\d+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^{|}~-]+@[\w.-]+)>/iy;
const ENTITY = /&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});/iy;
/** Of Hugo, whose names and values stay. */
const SHORTCODES = [
  ['{{<', '>}}'],
  ['{{%', '%}}'],
] as const;
/** A link's target, with a title or without, trimmed: a run of spaces may be in one place only. */
const TARGET = /^(?:<[^<>]*>|[^\s<]\S*)?(?:\s+(?:"([^"]*)"|'([^']*)'|\(([^()]*)\)))?$/;

/**
 * Cleans the source from `from` to `to`, both of them in one line.
 * @param continues whether the line has text before
 */
export function cleanInline(page: Page, from: number, to: number, continues: boolean): CleanLine {
  return new InlineCleaner(page, from, to, continues).clean();
}

class InlineCleaner {
  private readonly page: Page;
  private readonly from: number;
  private readonly line: string;
  private readonly continues: boolean;
  private readonly brackets: Brackets;
  /** Closing brackets of links, with the place after the link and what stands for its target. */
  private readonly links = new Map<number, { end: number; text: string }>();
  private readonly comments: string[] = [];
  private readonly parts: string[] = [];
  /** Ends of shortcodes, whose beginnings went. */
  private readonly closed = new Set<string>();
  private readonly lastClose: Record<string, number> = {};
  /** In the line, like all offsets but `from`. */
  private at = 0;

  constructor(page: Page, from: number, to: number, continues: boolean) {
    this.page = page;
    this.from = from;
    this.line = page.source.slice(from, to);
    this.continues = continues;
    this.brackets = matchBrackets(this.line);
  }

  clean(): CleanLine {
    const { line } = this;
    while (this.at < line.length) {
      SPECIAL.lastIndex = this.at;
      const next = SPECIAL.exec(line)?.index ?? line.length;
      this.parts.push(line.slice(this.at, next));
      this.at = next;
      if (next < line.length) this.special(line[next]!);
    }
    let text = this.parts.join('');
    for (const close of this.closed) text = text.replaceAll(close, '');
    return { text: visible(text), end: this.from + this.at, comments: this.comments };
  }

  private special(mark: string): void {
    if (mark === '\\') this.keep(2);
    else if (mark === '`') this.code();
    else if (mark === '<') this.angle();
    else if (mark === '!') this.image();
    else if (mark === '[') this.openLink();
    else if (mark === ']') this.closeLink();
    else if (mark === '&') this.entity();
    else this.brace();
  }

  private keep(characters: number): void {
    this.parts.push(this.line.slice(this.at, this.at + characters));
    this.at += characters;
  }

  private code(): void {
    const end = this.brackets.codeEnd.get(this.at);
    if (end !== undefined) return this.keep(end - this.at);
    let run = 1;
    while (this.line[this.at + run] === '`') run++;
    this.keep(run);
  }

  private angle(): void {
    if (this.line.startsWith('<!--', this.at) && this.comment('<!--', '-->')) return;
    AUTOLINK.lastIndex = this.at;
    const link = AUTOLINK.exec(this.line);
    if (link) {
      this.parts.push(link[1]!);
      this.at += link[0].length;
      return;
    }
    const tag = readTag(this.page, this.from + this.at);
    if (!tag) return this.keep(1);
    this.parts.push(tag.text);
    this.at = tag.end - this.from;
  }

  /** A comment that is not closed is text, as is one in a paragraph that continues after it. */
  private comment(open: string, close: string): boolean {
    const start = this.from + this.at + open.length;
    const isBlock = !this.continues && this.line.slice(0, this.at).trim() === '';
    const end = this.page.find(close, start, isBlock ? 'page' : 'paragraph');
    if (end < 0) return false;
    this.comments.push(this.page.source.slice(start, end));
    this.at = end + close.length - this.from;
    return true;
  }

  private image(): void {
    if (this.line[this.at + 1] === '[' && this.isLink(this.at + 1)) this.at++;
    else this.keep(1);
  }

  private openLink(): void {
    if (this.isLink(this.at)) this.at++;
    else this.keep(1);
  }

  private closeLink(): void {
    const link = this.links.get(this.at);
    if (!link) return this.keep(1);
    this.parts.push(link.text);
    this.at = link.end;
  }

  /** Whether a link or image begins with the bracket at `open`; if so its end is noted. */
  private isLink(open: number): boolean {
    const { line } = this;
    const close = this.brackets.closing.get(open);
    const end = close === undefined ? undefined : this.brackets.closing.get(close + 1);
    if (close === undefined || end === undefined) return false;
    const inside = line.slice(close + 2, end);
    if (line[close + 1] === '(') {
      const target = TARGET.exec(inside.trim());
      if (!target) return false;
      const title = target[1] ?? target[2] ?? target[3] ?? '';
      this.links.set(close, { end: end + 1, text: title === '' ? '' : ` (${title})` });
      return true;
    }
    const label = inside === '' ? line.slice(open + 1, close) : inside;
    if (label.length > MAX_LABEL || !this.page.defines(label)) return false;
    this.links.set(close, { end: end + 1, text: '' });
    return true;
  }

  private entity(): void {
    ENTITY.lastIndex = this.at;
    const entity = ENTITY.exec(this.line)?.[0];
    if (!entity) return this.keep(1);
    this.parts.push(decodeHTMLStrict(entity));
    this.at += entity.length;
  }

  /** Comments of MDX go, and the marks of Hugo's shortcodes. */
  private brace(): void {
    if (this.line.startsWith('{/*', this.at) && this.comment('{/*', '*/}')) return;
    if (!SHORTCODES.some(([open, close]) => this.shortcode(open, close))) this.keep(1);
  }

  private shortcode(open: string, close: string): boolean {
    if (!this.line.startsWith(open, this.at)) return false;
    this.lastClose[close] ??= this.line.lastIndexOf(close);
    if (this.lastClose[close] < this.at) return false;
    this.closed.add(close);
    this.at += open.length;
    return true;
  }
}

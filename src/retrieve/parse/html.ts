/** HTML to sections: the words, in blocks, written the way Markdown would have them. */
import { DocumentBuilder } from './builder.ts';
import { oneLine, titleFromName } from './document.ts';
import { Flow, MAX_PARAGRAPH } from './flow.ts';
import { type MarkupEvents, readMarkup } from './markup.ts';
import { cutOf, type Parsing, Slices } from './slices.ts';

/** Not what a page says: its machinery, and the ways around the site. */
const SKIPPED: Readonly<Record<string, string>> = {
  script: '',
  style: '',
  nav: 'navigation',
  footer: 'the page’s footer',
  button: 'controls',
  select: 'controls',
  canvas: 'drawings',
  svg: 'drawings',
  iframe: 'embedded content',
  object: 'embedded content',
  noscript: 'content for other browsers',
  template: 'content for other browsers',
};
const SKIPPED_END = new RegExp(`</(${Object.keys(SKIPPED).join('|')})`, 'gi');
const COMMENTS = 'comments';
const LONG_DESCRIPTIONS = 'descriptions of pictures';
/** Characters of a picture's description, which comes whole: a longer one would be a slice of its own. */
const MAX_DESCRIPTION = 32_768;
const REASONS: Readonly<Record<string, string>> = {
  [COMMENTS]: 'not shown to readers',
  [LONG_DESCRIPTIONS]: `longer than ${MAX_DESCRIPTION} characters`,
};
/** A footer in one of these belongs to the text. */
const SECTIONING = new Set('article main section aside blockquote figure'.split(' '));
/** Elements that run on in a line, and such as only group rows; all others end a paragraph. */
const INLINE = new Set(
  `a abbr acronym audio b bdi bdo big cite code data del dfn em font i img input ins kbd label map
  mark math mi mn mo mfrac mrow msqrt msub msup mtext nobr output picture q rb rp rt ruby s samp
  semantics small source span strike strong sub sup time tt u var video wbr
  tbody thead tfoot colgroup col`.split(/\s+/),
);
const LISTS = new Set(['ul', 'ol', 'menu']);

/** How many end tags there are of the elements that are skipped. */
function* countEndTags(source: string): Generator<void, Map<string, number>> {
  const counts = new Map<string, number>();
  const slices = new Slices();
  for (const { 1: name, index } of source.matchAll(SKIPPED_END)) {
    const element = name!.toLowerCase();
    counts.set(element, (counts.get(element) ?? 0) + 1);
    if (slices.endBefore(index)) yield;
  }
  return counts;
}

export function* parseHtml(source: string, filename: string): Parsing {
  const builder = new DocumentBuilder(titleFromName(filename), false);
  const reader = new HtmlReader(builder, yield* countEndTags(source));
  yield* readMarkup(source, 'html', reader);
  reader.finish();
  return builder.build();
}

class HtmlReader implements MarkupEvents {
  private readonly builder: DocumentBuilder;
  private readonly flow: Flow;
  private title = '';
  private inTitle = false;
  private readonly lists: { isOrdered: boolean; items: number }[] = [];
  private sectioning = 0;
  /** Open `pre` elements; in a cell they are text like other. */
  private pre = 0;
  private language = '';
  /** The skipped element at hand, and how many of its kind are open. */
  private skipped = '';
  private skippedDepth = 0;
  /** End tags that are still to come, by name. */
  private readonly endTags: Map<string, number>;
  /** What was left out, how often. */
  private readonly left = new Map<string, number>();

  constructor(builder: DocumentBuilder, endTags: Map<string, number>) {
    this.builder = builder;
    this.endTags = endTags;
    this.flow = new Flow(builder);
  }

  open(name: string, attributes: ReadonlyMap<string, string>): void {
    if (this.skipped !== '') {
      if (name === this.skipped) this.skippedDepth++;
    } else if (this.mustSkip(name)) {
      this.skipped = name;
      this.skippedDepth = 1;
    } else {
      this.openRead(name, attributes);
    }
  }

  text(text: string): void {
    if (this.skipped !== '') this.leave(SKIPPED[this.skipped]!, text);
    else this.add(this.pre > 0 ? text : text.replace(/\s+/g, ' '));
  }

  comment(text: string): void {
    this.leave(COMMENTS, text);
  }

  close(name: string): void {
    if (Object.hasOwn(SKIPPED, name)) this.endTags.set(name, this.endTagsOf(name) - 1);
    if (this.skipped === '') this.closeRead(name);
    else if (name === this.skipped && --this.skippedDepth === 0) this.skipped = '';
  }

  finish(): void {
    if (this.inTitle) this.closeTitle();
    this.flow.tables.unwrap();
    this.flow.endBlock();
    if (this.title !== '') {
      // A page of nothing else still says it.
      if (this.builder.length === 0) this.builder.block(this.title);
      if (!this.builder.hasTitle) this.builder.rename(this.title);
      this.tellTitle('');
    }
    for (const [name, count] of this.left) {
      const reason = REASONS[name] ?? 'not the page’s own text';
      this.builder.leftOut.push({ name: count > 1 ? `${name} (${count})` : name, reason });
    }
  }

  /** An element that is never closed is not skipped: all the rest of the page would be. */
  private mustSkip(name: string): boolean {
    if (!Object.hasOwn(SKIPPED, name)) return false;
    if (SKIPPED[name] === '') return true;
    if (name === 'footer' && this.sectioning > 0) return false;
    return this.endTagsOf(name) > 0;
  }

  private endTagsOf(name: string): number {
    return this.endTags.get(name) ?? 0;
  }

  private leave(name: string, text: string): void {
    if (name !== '' && /[\p{L}\p{N}]/u.test(text)) {
      this.left.set(name, (this.left.get(name) ?? 0) + 1);
    }
  }

  private openRead(name: string, attributes: ReadonlyMap<string, string>): void {
    const { flow } = this;
    if (SECTIONING.has(name)) this.sectioning++;
    if (name === 'br') this.add('\n');
    else if (name === 'img') this.describe(attributes.get('alt') ?? '');
    else if (name === 'pre') this.openPre();
    else if (name === 'code') this.openCode(attributes.get('class') ?? '');
    else if (LISTS.has(name)) this.openList(name === 'ol');
    else if (name === 'li') this.openItem();
    else if (name === 'table') flow.tables.open();
    else if (name === 'tr') flow.tables.openRow();
    else if (name === 'td' || name === 'th') flow.tables.openCell(name === 'th');
    else if (name === 'title') this.openTitle();
    else if (/^h[1-6]$/.test(name)) this.openHeading();
    else if (!INLINE.has(name)) this.endParagraph();
  }

  private closeRead(name: string): void {
    const { flow } = this;
    if (SECTIONING.has(name)) this.sectioning = Math.max(0, this.sectioning - 1);
    if (name === 'pre') this.closePre();
    else if (name === 'code') flow.line += this.pre > 0 ? '' : '`';
    else if (LISTS.has(name)) this.closeList();
    else if (name === 'li') flow.endItem();
    else if (name === 'td' || name === 'th') flow.tables.closeCell();
    else if (name === 'tr') flow.tables.closeRow();
    else if (name === 'table') flow.tables.close();
    else if (name === 'title') this.closeTitle();
    else if (/^h[1-6]$/.test(name)) this.closeHeading(Number(name[1]));
    else if (!INLINE.has(name)) this.endParagraph();
  }

  private endParagraph(): void {
    if (this.pre === 0) this.flow.endParagraph();
    // Highlighters give every line of code an element.
    else if (!this.flow.line.endsWith('\n')) this.preformatted('\n');
  }

  private add(text: string): void {
    if (this.pre > 0) this.preformatted(text);
    else this.flow.text(text);
  }

  private describe(alt: string): void {
    if (alt.length > MAX_DESCRIPTION) this.leave(LONG_DESCRIPTIONS, alt);
    else this.add(` ${alt} `);
  }

  private openTitle(): void {
    this.endParagraph();
    this.inTitle = true;
  }

  /** The first title is the page's; others are text. */
  private closeTitle(): void {
    if (this.inTitle && this.title === '') {
      this.title = oneLine(this.flow.line);
      this.flow.line = '';
    }
    this.inTitle = false;
    this.endParagraph();
  }

  /** The page's title where its heading has become the document's, or where it was cut short. */
  private tellTitle(heading: string): void {
    if (!heading.includes(this.title) && this.builder.title !== this.title) {
      this.builder.block(this.title);
    }
    this.title = '';
  }

  private openHeading(): void {
    if (this.flow.tables.inHeadingCell) return this.flow.endParagraph();
    this.flow.tables.unwrap();
    this.flow.endBlock();
  }

  private closeHeading(level: number): void {
    const { flow } = this;
    if (flow.tables.holdText) return flow.endParagraph();
    const words = flow.line.replaceAll('`', ' ');
    flow.line = '';
    flow.heading(level, words);
    if (this.builder.hasTitle && this.title !== '') this.tellTitle(oneLine(words));
  }

  private openPre(): void {
    if (this.flow.tables.holdText || this.pre++ > 0) return;
    this.flow.endBlock();
    this.language = '';
  }

  private openCode(className: string): void {
    if (this.pre > 0) this.language ||= /language-(\w+)/.exec(className)?.[1] ?? '';
    else this.flow.line += '`';
  }

  /** Adds to the code, which is cut behind a line, or a word, where it is too long for a block. */
  private preformatted(text: string): void {
    const { flow } = this;
    flow.line += text;
    const { line } = flow;
    if (line.length < MAX_PARAGRAPH) return;
    const cut = line.lastIndexOf('\n') + 1 || cutOf(line);
    flow.line = line.slice(0, cut);
    this.endCode();
    flow.line = line.slice(cut);
  }

  private closePre(): void {
    if (this.pre === 0 || --this.pre > 0) return;
    this.endCode();
  }

  private endCode(): void {
    const code = this.flow.line.replace(/^\n+/, '').trimEnd();
    this.flow.line = '';
    if (code.trim() !== '') this.flow.code(code, this.language);
  }

  private openList(isOrdered: boolean): void {
    if (this.lists.length === 0 && !this.flow.tables.holdText) this.flow.endBlock();
    else this.flow.endItem();
    this.lists.push({ isOrdered, items: 0 });
  }

  private openItem(): void {
    const list = this.lists.at(-1);
    const mark = list?.isOrdered ? `${++list.items}.` : '-';
    this.flow.item(Math.max(0, this.lists.length - 1), mark);
  }

  private closeList(): void {
    this.lists.pop();
    if (this.lists.length === 0) this.flow.endList();
    else this.flow.endItem();
  }
}

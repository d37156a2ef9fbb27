/**
 * Puts a document together for parsers whose source is not text: what they
 * extract becomes the document's text, and each block equals its range of it.
 */
import {
  type Block,
  type LeftOut,
  oneLine,
  type ParsedDocument,
  requireRoom,
  shortTitle,
} from './document.ts';
import { Sections } from './sections.ts';
import { visible } from './visible.ts';

const GAP = '\n\n';
/** Pieces of text that are joined at once: joining millions at the end would take long. */
const MAX_PARTS = 4_096;
/** Of Markdown. */
const MAX_LEVEL = 6;

export class DocumentBuilder {
  readonly leftOut: LeftOut[] = [];
  private readonly sections: Sections;
  private readonly runs: string[] = [];
  private readonly parts: string[] = [];
  private named: string;
  private titled: boolean;
  private characters = 0;

  /** @param titled whether `title` is better than the document's first heading */
  constructor(title: string, titled: boolean) {
    this.named = shortTitle(title);
    this.sections = new Sections(this.named);
    this.titled = titled;
    // A title cut short is whole before the text.
    if (titled && oneLine(title) !== shortTitle(title)) this.block(oneLine(title));
  }

  /** Characters of text so far. */
  get length(): number {
    return this.characters;
  }

  /** Starts a section. The first heading of level 1 names a document without a title. */
  heading(level: number, text: string): void {
    const words = oneLine(text);
    if (words === '') return;
    if (level === 1 && !this.titled) this.rename(words);
    const mark = '#'.repeat(Math.min(level, MAX_LEVEL));
    const { start, end } = this.append(`${mark} ${words}`);
    this.sections.start(words, start + mark.length + 1, end);
  }

  /** Names a document that has no title yet. */
  rename(title: string): void {
    this.titled = true;
    this.named = shortTitle(title);
    this.sections.rename(this.named);
  }

  get hasTitle(): boolean {
    return this.titled;
  }

  get title(): string {
    return this.named;
  }

  /** Throws `UnreadableFile` where the text grows too long. */
  block(text: string): void {
    if (text.trim() !== '') this.sections.add(this.append(text));
  }

  build(): ParsedDocument {
    const sections = this.sections.end();
    const text = this.runs.join('') + this.parts.join('');
    return { text, sections, leftOut: this.leftOut };
  }

  private append(source: string): Block {
    const text = visible(source).replaceAll('\0', '').toWellFormed();
    const gap = this.characters > 0 ? GAP : '';
    const start = this.characters + gap.length;
    requireRoom(start + text.length);
    if (this.parts.push(gap, text) >= MAX_PARTS) this.runs.push(this.parts.splice(0).join(''));
    this.characters = start + text.length;
    return { text, start, end: this.characters };
  }
}

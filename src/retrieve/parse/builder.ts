/**
 * Puts a document together for parsers whose source is not text: what they
 * extract becomes the document's text, and blocks stand in it letter for letter.
 */
import type { ParsedDocument, Section } from './document.ts';
import { shortTitle } from './document.ts';

const GAP = '\n\n';

export class DocumentBuilder {
  private readonly sections: Section[] = [];
  private parts: string[] = [];
  private length = 0;
  private title: string;
  private section: Section;
  private titled: boolean;

  /** @param titled whether `title` is better than the document's first heading */
  constructor(title: string, titled: boolean) {
    this.title = shortTitle(title);
    this.titled = titled;
    this.section = this.newSection(this.title);
  }

  /** Starts a section. The first heading of level 1 names a document without a title. */
  heading(level: number, text: string): void {
    const heading = shortTitle(text);
    if (heading === '') return;
    if (level === 1 && !this.titled) {
      this.title = heading;
      this.titled = true;
      for (const section of this.sections) section.title = heading;
    }
    this.append(`${'#'.repeat(level)} ${heading}`);
    this.section = this.newSection(heading);
  }

  block(text: string): void {
    if (text.trim() === '') return;
    const start = this.append(text);
    this.section.blocks.push({ text, start, end: start + text.length });
  }

  build(): ParsedDocument {
    const sections = this.sections.filter((section) => section.blocks.length > 0);
    return { text: this.parts.join(''), sections };
  }

  private newSection(heading: string): Section {
    const section: Section = { title: this.title, heading, blocks: [] };
    this.sections.push(section);
    return section;
  }

  private append(text: string): number {
    const gap = this.length > 0 ? GAP : '';
    const start = this.length + gap.length;
    this.parts.push(gap, text);
    this.length = start + text.length;
    return start;
  }
}

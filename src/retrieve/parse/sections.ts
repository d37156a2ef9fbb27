/** Collects a document's sections, so that no heading's words are lost and their number stays bounded. */
import { type Block, oneLine, type Section, shortTitle } from './document.ts';

/** Sections and blocks that each keep their own place. Later ones are joined: they are data, not prose. */
const MAX_SECTIONS = 50_000;
const MAX_BLOCKS = 200_000;
/** A block grows to this many characters by joining. */
const JOINED = 2_000;

export class Sections {
  readonly made: Section[] = [];
  private title: string;
  private section: Section;
  /** The section's heading, whole, until a block follows it. */
  private heading: Block | null = null;
  /** Headings that no block followed: they go before the next block. */
  private waiting: Block[] = [];
  /** A heading that is the title. */
  private titled: Block | null = null;
  private blocks = 0;

  constructor(title: string) {
    this.title = title;
    this.section = { title, heading: title, blocks: [] };
  }

  /** Gives every section another title. */
  rename(title: string): void {
    for (const section of new Set([...this.made, this.section])) {
      section.title = title;
      if (section.heading === this.title) section.heading = title;
    }
    this.title = title;
  }

  /** Starts a section. @param heading its words, of any length. */
  start(heading: string, start: number, end: number): void {
    const text = oneLine(heading);
    if (text === '') return;
    if (this.made.length >= MAX_SECTIONS) return this.add({ text, start, end });
    this.endSection();
    this.section = { title: this.title, heading: shortTitle(text), blocks: [] };
    this.heading = { text, start, end };
  }

  add(block: Block): void {
    if (this.section.blocks.length === 0) this.made.push(this.section);
    // A heading cut short is whole before its text.
    const whole = this.heading && this.heading.text !== this.section.heading ? [this.heading] : [];
    this.heading = null;
    const last = this.section.blocks.at(-1);
    for (const added of [...this.waiting, ...whole]) this.section.blocks.push(added);
    this.waiting = [];
    if (last && this.blocks >= MAX_BLOCKS && last.text.length + block.text.length < JOINED) {
      last.text += `\n\n${block.text}`;
      last.end = block.end;
    } else {
      this.section.blocks.push(block);
      this.blocks++;
    }
  }

  /** All sections, in order. A heading at the end that no block followed is a block itself. */
  end(): Section[] {
    this.endSection();
    if (this.made.length === 0 && this.titled) this.waiting.unshift(this.titled);
    const last = this.waiting.pop();
    if (last) {
      this.section = { title: this.title, heading: shortTitle(last.text), blocks: [] };
      this.add(last);
    }
    return this.made;
  }

  private endSection(): void {
    const { heading } = this;
    this.heading = null;
    if (!heading) return;
    // Every passage has the title: no need to repeat it.
    if (heading.text === this.title) this.titled = heading;
    else this.waiting.push(heading);
  }
}

/** Paragraph styles: which are headings, and which number their paragraphs. */
import type { MarkupEvents } from '../markup.ts';
import { attribute, localName } from './names.ts';

interface Style {
  name: string;
  basedOn: string;
  outline: string;
  list: string;
}

/** Styles that build on each other. */
const MAX_BASES = 16;

export class Styles implements MarkupEvents {
  private readonly styles = new Map<string, Style>();
  private style: Style | null = null;

  open(qualified: string, attributes: ReadonlyMap<string, string>): void {
    const name = localName(qualified);
    const value = attribute(attributes, 'val') ?? '';
    if (name === 'style') {
      this.style = { name: '', basedOn: '', outline: '', list: '' };
      this.styles.set(attribute(attributes, 'styleId') ?? '', this.style);
    } else if (this.style) {
      if (name === 'name') this.style.name = value.toLowerCase();
      else if (name === 'basedOn') this.style.basedOn = value;
      else if (name === 'outlineLvl') this.style.outline = value;
      else if (name === 'numId') this.style.list = value;
    }
  }

  close(name: string): void {
    if (localName(name) === 'style') this.style = null;
  }

  text(): void {}

  /** The level of a heading in that style, from 1; null if it is none. */
  headingLevel(id: string): number | null {
    for (const { name, outline } of this.basesOf(id)) {
      const level = name === 'title' ? '1' : /^heading ([1-9])$/.exec(name)?.[1];
      if (level) return Number(level);
      if (/^[0-8]$/.test(outline)) return Number(outline) + 1;
    }
    return null;
  }

  /** The numbering of paragraphs in that style; '' if it has none. */
  listOf(id: string): string {
    for (const { list } of this.basesOf(id)) if (list !== '') return list;
    return '';
  }

  /** The style and those it builds on. */
  private *basesOf(id: string): Generator<Style> {
    let style = this.styles.get(id);
    for (let i = 0; style && i < MAX_BASES; i++) {
      yield style;
      style = this.styles.get(style.basedOn);
    }
  }
}

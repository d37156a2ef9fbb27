/** Lists: which of them number their items, and the number of the next. */
import type { MarkupEvents } from '../markup.ts';
import { attribute, localName } from './names.ts';

/** Levels that Word has. */
const MAX_LEVELS = 9;
/** Formats without a number. */
const UNNUMBERED = new Set(['bullet', 'none']);

export class Numbering implements MarkupEvents {
  /** Formats by level, by abstract numbering. */
  private readonly formats = new Map<string, string[]>();
  private readonly abstracts = new Map<string, string>();
  private readonly counts = new Map<string, number[]>();
  private abstract = '';
  private number = '';
  private level = 0;

  open(qualified: string, attributes: ReadonlyMap<string, string>): void {
    const name = localName(qualified);
    const value = attribute(attributes, 'val') ?? '';
    if (name === 'abstractNum') {
      this.abstract = attribute(attributes, 'abstractNumId') ?? '';
      this.formats.set(this.abstract, []);
    } else if (name === 'lvl') {
      this.level = levelOf(attribute(attributes, 'ilvl'));
    } else if (name === 'numFmt') {
      const formats = this.formats.get(this.abstract);
      if (formats) formats[this.level] = value;
    } else if (name === 'num') {
      this.number = attribute(attributes, 'numId') ?? '';
    } else if (name === 'abstractNumId') {
      this.abstracts.set(this.number, value);
    }
  }

  close(): void {}

  text(): void {}

  /** The mark of the list's next item on that level. */
  mark(list: string, level: number): string {
    const format = this.formats.get(this.abstracts.get(list) ?? '')?.[level] ?? 'bullet';
    const counts = this.counts.get(list) ?? [];
    this.counts.set(list, counts);
    counts.length = level + 1;
    counts[level] = (counts[level] ?? 0) + 1;
    return UNNUMBERED.has(format) ? '-' : `${counts[level]}.`;
  }
}

/** Of an attribute; levels beyond Word's are its last. */
export function levelOf(value: string | undefined): number {
  const level = Number(value);
  return Number.isInteger(level) && level > 0 ? Math.min(level, MAX_LEVELS - 1) : 0;
}

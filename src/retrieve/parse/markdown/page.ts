/** What cleaning a line must know of its whole page. Each answer is found once: every question is cheap. */
import { SLICE, Slices } from '../slices.ts';

/** Of a reference's label, as CommonMark bounds it. */
export const MAX_LABEL = 999;

const END_TAG = /<\/([A-Za-z][\w.:-]*)/g;
const REFERENCE = new RegExp(`\\[([^[\\]\\n]{1,${MAX_LABEL}})\\](?!:)`, 'g');
const DEFINED = new RegExp(`^ {0,3}\\[([^[\\]\\n]{1,${MAX_LABEL}})\\]:`, 'gm');

export class Page {
  readonly source: string;
  readonly isMdx: boolean;
  /** Of end tags. */
  private readonly tagNames = new Set<string>();
  /** Labels that something refers to. */
  private readonly used = new Set<string>();
  /** Labels of definitions. */
  private readonly defined = new Set<string>();
  /** The last answer about each mark: it holds for all places between the two. */
  private readonly found = new Map<string, { from: number; at: number }>();
  private blank = -1;

  constructor(source: string, isMdx: boolean) {
    this.source = source;
    this.isMdx = isMdx;
  }

  /** Reads the page once, in slices, before anything is asked. */
  *survey(): Generator<void, void> {
    for (const [pattern, found] of [
      [END_TAG, this.tagNames],
      [REFERENCE, this.used],
      [DEFINED, this.defined],
    ] as const) {
      const slices = new Slices();
      for (const { 1: name, index } of this.source.matchAll(pattern)) {
        found.add(pattern === END_TAG ? name! : normalLabel(name!));
        if (slices.endBefore(index)) yield;
      }
      if (this.source.length > SLICE) yield;
    }
  }

  /** Whether the page has an end tag of that name. */
  closes(name: string): boolean {
    return this.tagNames.has(name);
  }

  /** Whether anything refers to the label. */
  refersTo(label: string): boolean {
    return this.used.has(normalLabel(label));
  }

  defines(label: string): boolean {
    return this.defined.has(normalLabel(label));
  }

  /**
   * Where the mark is next; -1 if nowhere before the paragraph's end.
   * @param within whether blank lines may come between
   */
  find(mark: string, from: number, within: 'page' | 'paragraph'): number {
    let known = this.found.get(mark);
    if (!known || from < known.from || (known.at >= 0 && from > known.at)) {
      known = { from, at: this.source.indexOf(mark, from) };
      this.found.set(mark, known);
    }
    return within === 'page' || known.at < this.paragraphEnd(from) ? known.at : -1;
  }

  private paragraphEnd(from: number): number {
    if (from <= this.blank) return this.blank;
    const next = /\n[ \t\r]*\n/g;
    next.lastIndex = from;
    this.blank = next.exec(this.source)?.index ?? this.source.length;
    return this.blank;
  }
}

function normalLabel(label: string): string {
  return label.trim().replace(/\s+/g, ' ').toLowerCase();
}

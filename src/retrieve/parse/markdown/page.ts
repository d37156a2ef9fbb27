/** What cleaning a line must know of its whole page. Each answer is found once: every question is cheap. */

/** Of a reference's label, as CommonMark bounds it. */
export const MAX_LABEL = 999;

export class Page {
  readonly source: string;
  readonly isMdx: boolean;
  private tagNames: Set<string> | null = null;
  private used: Set<string> | null = null;
  private defined: Set<string> | null = null;
  /** The last answer about each mark: it holds for all places between the two. */
  private readonly found = new Map<string, { from: number; at: number }>();
  private blank = -1;

  constructor(source: string, isMdx: boolean) {
    this.source = source;
    this.isMdx = isMdx;
  }

  /** Whether the page has an end tag of that name. */
  closes(name: string): boolean {
    this.tagNames ??= new Set(this.all(/<\/([A-Za-z][\w.:-]*)/g));
    return this.tagNames.has(name);
  }

  /** Whether anything refers to the label. */
  refersTo(label: string): boolean {
    this.used ??= new Set(
      this.all(new RegExp(`\\[([^[\\]\\n]{1,${MAX_LABEL}})\\](?!:)`, 'g')).map(normalLabel),
    );
    return this.used.has(normalLabel(label));
  }

  defines(label: string): boolean {
    this.defined ??= new Set(
      this.all(new RegExp(`^ {0,3}\\[([^[\\]\\n]{1,${MAX_LABEL}})\\]:`, 'gm')).map(normalLabel),
    );
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

  private all(pattern: RegExp): string[] {
    return Array.from(this.source.matchAll(pattern), (match) => match[1]!);
  }
}

function normalLabel(label: string): string {
  return label.trim().replace(/\s+/g, ' ').toLowerCase();
}

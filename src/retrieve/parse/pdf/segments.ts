/** Text items of a page, as they are drawn, to segments: runs of text without a wide gap. */

/** What the PDF reader gives: text at a place. */
export interface TextItem {
  str: string;
  /** Of text space to the page; the last two are the place, in points from the bottom left. */
  transform: number[];
  width: number;
}

export interface Segment {
  text: string;
  /** From the left and the right end of it to the page's left edge, in points. */
  left: number;
  right: number;
  /** Of the baseline, from the page's bottom edge. */
  y: number;
  /** Of the type, in points. */
  size: number;
}

/** Gaps in parts of the type's size: from here on one parts words. */
const WORD_GAP = 1 / 6;
/** And here columns or cells. */
const COLUMN_GAP = 1.4;

export class SegmentReader {
  readonly segments: Segment[] = [];
  private last: Segment | null = null;
  private parts: string[] = [];

  add({ str, transform, width }: TextItem): void {
    if (str === '') return;
    const [, , c = 0, d = 0, x = 0, y = 0] = transform;
    const { last } = this;
    if (str.trim() === '') return this.addSpace(x + width);
    const size = Math.hypot(c, d);
    const gap = last ? x - last.right : 0;
    const continues =
      last !== null &&
      isSameLine(last, { y, size }) &&
      gap < COLUMN_GAP * last.size &&
      gap > -COLUMN_GAP * last.size;
    if (!continues) {
      this.endSegment();
      this.last = { text: '', left: x, right: x + width, y, size };
      this.parts.push(str);
      return;
    }
    if (gap > last.size * WORD_GAP && !/\s$/.test(this.parts.at(-1)!)) this.parts.push(' ');
    this.parts.push(str);
    last.right = x + width;
    last.size = Math.max(last.size, size);
  }

  end(): Segment[] {
    this.endSegment();
    return this.segments;
  }

  /** A space as wide as the gap that it stands for. */
  private addSpace(right: number): void {
    const { last } = this;
    if (!last || right - last.right > COLUMN_GAP * last.size) return;
    this.parts.push(' ');
    last.right = Math.max(last.right, right);
  }

  private endSegment(): void {
    if (!this.last) return;
    this.last.text = this.parts.join('').trim();
    this.parts = [];
    if (this.last.text !== '') this.segments.push(this.last);
    this.last = null;
  }
}

/** Whether two pieces of text are on one baseline. */
export function isSameLine(
  a: { y: number; size: number },
  b: { y: number; size: number },
): boolean {
  return Math.abs(a.y - b.y) < Math.max(a.size, b.size) / 2;
}

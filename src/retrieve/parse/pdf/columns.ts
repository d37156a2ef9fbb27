/**
 * The order in which a page is read. Columns may be drawn row by row, so that
 * their lines alternate: where a gutter parts the page, each column is read to
 * its end. A table has gaps too, but its cells are short.
 */
import { isSameLine, type Segment } from './segments.ts';

/** Slots across the text in which a gutter is looked for. */
const SLOTS = 200;
/** Where in the text's width a gutter may be. */
const FIRST_SLOT = 0.15 * SLOTS;
const LAST_SLOT = 0.85 * SLOTS;
/** Of the lines, those that may run across a gutter, as headings over both columns do. */
const CROSSING_SHARE = 0.3;
/** Lines that a column has at least. */
const LEAST_LINES = 3;
/** Of a column's width, what half of its lines fill at least: a table's cells fill less. */
const FILLED = 0.5;
/** And characters that they have. */
const LEAST_CHARACTERS = 16;
/** Short lines are prose too if as many of them begin in the middle of a sentence. */
const BEGUN_BEFORE = 0.3;
/** Columns are looked for in columns: up to eight side by side. */
const MAX_DEPTH = 3;

/** The segments in reading order; as they are drawn where the page has no columns. */
export function inReadingOrder(segments: readonly Segment[], depth = 0): Segment[] {
  const gutter = depth < MAX_DEPTH ? findGutter(segments) : null;
  if (gutter === null) return depth === 0 ? [...segments] : downward(segments);
  const ordered: Segment[] = [];
  let left: Segment[] = [];
  let right: Segment[] = [];

  function endBand(): void {
    ordered.push(...inReadingOrder(left, depth + 1), ...inReadingOrder(right, depth + 1));
    left = [];
    right = [];
  }

  for (const row of rowsOf(segments)) {
    const crosses = row.some((segment) => segment.left < gutter && segment.right > gutter);
    if (crosses) endBand();
    for (const segment of row) {
      if (crosses) ordered.push(segment);
      else if (segment.right <= gutter) left.push(segment);
      else right.push(segment);
    }
  }
  endBand();
  return ordered;
}

/** The middle of the emptiest place between two columns; null where there are none. */
function findGutter(segments: readonly Segment[]): number | null {
  if (segments.length < 2 * LEAST_LINES) return null;
  let start = Number.POSITIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  for (const { left, right } of segments) {
    start = Math.min(start, left);
    end = Math.max(end, right);
  }
  const slot = (end - start) / SLOTS;
  if (!(slot > 0)) return null;
  const covered = coverage(segments, start, slot);
  const fewest = Math.min(...covered.slice(FIRST_SLOT, LAST_SLOT));
  if (fewest > CROSSING_SHARE * segments.length) return null;
  const first = covered.indexOf(fewest, FIRST_SLOT);
  let last = first;
  while (covered[last + 1] === fewest && last + 1 < LAST_SLOT) last++;
  const gutter = start + ((first + last + 1) / 2) * slot;
  const sides = [
    segments.filter(({ right }) => right <= gutter),
    segments.filter(({ left }) => left >= gutter),
  ];
  return sides.every(isProse) ? gutter : null;
}

/** How many segments cover each slot. */
function coverage(segments: readonly Segment[], start: number, slot: number): number[] {
  const changes = new Array<number>(SLOTS + 1).fill(0);
  for (const { left, right } of segments) {
    const from = Math.min(SLOTS - 1, Math.max(0, Math.floor((left - start) / slot)));
    const to = Math.min(SLOTS, Math.max(from + 1, Math.ceil((right - start) / slot)));
    changes[from]!++;
    changes[to]!--;
  }
  let open = 0;
  return changes.slice(0, SLOTS).map((change) => {
    open += change;
    return open;
  });
}

/** Whether the lines fill their column, as those of running text do. */
function isProse(column: readonly Segment[]): boolean {
  if (column.length < LEAST_LINES) return false;
  const left = column.reduce((least, segment) => Math.min(least, segment.left), column[0]!.left);
  const right = column.reduce((most, segment) => Math.max(most, segment.right), column[0]!.right);
  const filled = column.filter(
    (segment) =>
      segment.right - segment.left >= FILLED * (right - left) &&
      segment.text.length >= LEAST_CHARACTERS,
  );
  const goingOn = column.filter(({ text }) => /^\p{Ll}/u.test(text));
  return filled.length >= column.length / 2 || goingOn.length >= BEGUN_BEFORE * column.length;
}

/** From the top down, each row from the left. */
function rowsOf(segments: readonly Segment[]): Segment[][] {
  const rows: Segment[][] = [];
  for (const segment of [...segments].sort((a, b) => b.y - a.y)) {
    const row = rows.at(-1);
    if (row && isSameLine(row[0]!, segment)) row.push(segment);
    else rows.push([segment]);
  }
  for (const row of rows) row.sort((a, b) => a.left - b.left);
  return rows;
}

function downward(segments: readonly Segment[]): Segment[] {
  return rowsOf(segments).flat();
}

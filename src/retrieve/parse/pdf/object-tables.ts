/**
 * Bounds the objects that a PDF's tables claim: the reader makes an entry for each, and a
 * table of a hundred bytes may claim a billion. (PDF 32000-1, 7.5.8)
 */
import { UnreadableFile } from '../document.ts';

const MAX_OBJECTS = 500_000;
/** Of fields' appearance, which the reader reads again for every field that inherits it. */
const MAX_APPEARANCE = 4_096;

export class ObjectTables {
  private left = MAX_OBJECTS;

  /** @param dictionary of a stream, names in plain characters. Throws `UnreadableFile`. */
  add(dictionary: string): void {
    // Only tables have widths of columns; a picture's width has no index beside it.
    if (!/\/W\b/.test(dictionary) || !/\/(?:Index|Size)\b/.test(dictionary)) return;
    // What another object says is not known before the tables are read.
    if (/\/(?:W|Index|Size)\s+\d+\s+\d+\s+R\b/.test(dictionary)) throw unusual();
    const index = /\/Index\s*\[([^\]]*)\]/.exec(dictionary)?.[1];
    const size = /\/Size\s+(\d+)/.exec(dictionary)?.[1];
    const numbers = (index ?? `0 ${size ?? 0}`).trim().split(/\s+/).map(Number);
    this.left -= numbers.reduce((sum, number, at) => sum + (at % 2 === 1 ? number : 0), 0);
    if (!(this.left >= 0)) throw unusual();
  }
}

/** Throws `UnreadableFile` for a form's appearance that is long. @param text dictionaries, names in plain characters */
export function requireShortAppearance(text: string): void {
  for (const { index } of text.matchAll(/\/DA\b\s*(?=[(<\d])/g)) {
    const value = text.slice(index, index + MAX_APPEARANCE);
    if (!/\/DA\s*(?:\((?:[^()\\]|\\[\s\S])*\)|<[^>]*>)/.test(value)) throw unusual();
  }
}

function unusual(): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    `the PDF has more than ${MAX_OBJECTS} objects, or describes them in an unusual way: print it to a new PDF`,
  );
}

/**
 * How deep pages save their drawing state. The reader looks every setting up
 * through all saved states: some thousands in each other take it seconds.
 */
import { UnreadableFile } from '../document.ts';
import type { Content } from './content.ts';

/** States saved in each other: honest pages save 28 at most. (PDF 32000-1, annex C) */
const MAX_SAVED = 32;
/** What a form that draws others usually saves, and what all of them may save beyond it. */
const USUAL = 2;
const MAX_UNUSUAL = 500;

export class SavedStates {
  private readonly left = new Map<number, number>();
  private unusual = 0;

  /** Throws `UnreadableFile` where the content nests too deep. */
  add(object: number, { deepest, left, drawn }: Content): void {
    this.left.set(object, left);
    if (drawn.size > 0) this.unusual += Math.max(0, deepest - USUAL);
    if (deepest > MAX_SAVED || this.unusual > MAX_UNUSUAL) throw tooDeep();
  }

  /** Throws `UnreadableFile` where the contents that one page draws, after each other, do. */
  requireShallow(contents: readonly number[]): void {
    const left = contents.reduce((sum, object) => sum + (this.left.get(object) ?? 0), 0);
    if (left > MAX_SAVED) throw tooDeep();
  }
}

function tooDeep(): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    `the PDF saves its drawing state more than ${MAX_SAVED} times over: print it to a new PDF`,
  );
}

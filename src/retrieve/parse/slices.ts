/**
 * Parsing in slices. A parser is a generator that yields after a bounded amount
 * of work, so that whoever runs it can let other requests have the thread.
 */
import type { ParsedDocument } from './document.ts';

export type Parsing = Generator<void, ParsedDocument>;

/** Lets others have the thread. */
export type Rest = () => Promise<void>;

/** Characters of source read between two yields: a few milliseconds of work. */
export const SLICE = 65_536;

/** The slices of a source that is read from its start. */
export class Slices {
  private end = SLICE;

  /** Whether the slice at hand ends before `at`, where the next one then begins. */
  endBefore(at: number): boolean {
    if (at <= this.end) return false;
    this.end = at + SLICE;
    return true;
  }
}

/**
 * How much of a text that is too long is kept together: up to its last space, so that words
 * stay whole, or all of it where it has none, but never half a surrogate pair.
 */
export function cutOf(text: string): number {
  const space = text.lastIndexOf(' ');
  if (space > 0) return space + 1;
  return text.length - (/[\uD800-\uDBFF]/.test(text.at(-1)!) ? 1 : 0);
}

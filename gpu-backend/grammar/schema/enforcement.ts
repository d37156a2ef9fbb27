/** What reading a schema shares: how strict it is, and what it can't hold an answer to. */
import { type GrammarPath, GrammarRefused } from '../refused.ts';

export type Schema = Record<string, unknown>;

/** Say nothing about what is valid. */
const ANNOTATIONS = new Set([
  ...['$schema', '$id', '$anchor', '$comment', '$defs', 'definitions', 'title', 'description'],
  ...['default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly', 'nullable'],
  ...['contentEncoding', 'contentMediaType', 'discriminator', 'xml', 'externalDocs'],
]);

/** A keyword of vendors: `x-order`. */
const EXTENSION = /^x-/;

export class Enforcement {
  /** Keywords that the grammar does not hold, by their place. Empty if it is strict. */
  readonly unenforced: GrammarPath[] = [];
  private readonly strict: boolean;

  /** @param strict whether a schema with a keyword that can't be held is refused */
  constructor(strict: boolean) {
    this.strict = strict;
  }

  /** A keyword that the grammar can't hold: refused, or left out and named. Throws `GrammarRefused`. */
  leaveOut(path: GrammarPath, what = 'is not supported here: leave it out'): void {
    if (this.strict) refuse(path, what);
    this.unenforced.push(path);
  }

  /** Leaves out what is neither in `names` nor an annotation. */
  allow(schema: Schema, path: GrammarPath, names: readonly string[]): void {
    for (const name of Object.keys(schema)) {
      if (names.includes(name) || ANNOTATIONS.has(name) || EXTENSION.test(name)) continue;
      this.leaveOut([...path, name]);
    }
  }
}

export function refuse(path: GrammarPath, what: string): never {
  throw new GrammarRefused(what, path);
}

/** Lengths and numbers of items. */
const MAX_COUNT = 1 << 20;

/** A least and a most number of something. Throws `GrammarRefused`. */
export function counts(
  schema: Schema,
  path: GrammarPath,
  low: string,
  high: string,
): [number, number] {
  const [least, most] = [low, high].map((name) => {
    const value = schema[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_COUNT) {
      refuse([...path, name], `must be an integer from 0 to ${MAX_COUNT}`);
    }
    return value;
  });
  if ((least ?? 0) > (most ?? Infinity)) {
    refuse([...path, low], `is more than ${high}`);
  }
  return [least ?? 0, most ?? Infinity];
}

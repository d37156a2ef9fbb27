/**
 * Bounds the bytes that the reader goes through to draw the pages. It reads a form again
 * each time that it is drawn, and one page without a rest.
 */
import { UnreadableFile } from '../document.ts';
import type { Content } from './content.ts';

/** Bytes of one page, with the forms that it draws. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;
/** Of all pages, for each byte of the file, and beside that. */
const SHARE = 4;
const FREE = 64 * 1024 * 1024;
/** Forms in each other. */
const MAX_ROUNDS = 64;
/** Dictionaries that a form's names may be in. */
const MAX_RESOURCES = 8;

const BOUND = /\/([^\s/<>[\]()]+)\s+(\d{1,8})\s+\d{1,5}\s+R/g;
const RESOURCES = /\/(?:Resources|XObject)\s+(\d{1,8})\s+\d{1,5}\s+R/g;

/** Where names lead. */
type Names = ReadonlyMap<string, ReadonlySet<number>>;

/** The dictionaries of a file, their names in plain characters. */
export interface Dictionaries {
  texts: readonly string[];
  /** Those that the file has for an object, outside of streams; null where they are not known. */
  of(object: number): readonly string[] | null;
}

export class DrawnWork {
  private readonly contents = new Map<number, Content>();
  /** Dictionaries of forms. */
  private readonly forms = new Map<number, string>();

  /** @param dictionary of a form; null for what only pages draw */
  add(object: number, content: Content, dictionary: string | null): void {
    this.contents.set(object, content);
    if (dictionary !== null) this.forms.set(object, dictionary);
  }

  /**
   * Throws `UnreadableFile` where a page or all pages draw too much. A name counts for the
   * largest form that it may lead to.
   * @param pages the contents of each
   * @param size of the file
   */
  requireLittle(
    pages: readonly (readonly number[])[],
    dictionaries: Dictionaries,
    size: number,
  ): void {
    const work = this.workOf(dictionaries);
    let total = 0;
    for (const page of pages) {
      const bytes = page.reduce((sum, object) => sum + (work.get(object) ?? 0), 0);
      if (bytes > MAX_PAGE_BYTES) throw tooMuch('a page of the PDF', MAX_PAGE_BYTES);
      total += bytes;
    }
    const most = FREE + SHARE * size;
    if (total > most) throw tooMuch('the PDF', most);
  }

  /** Of each content, round by round: in the first without forms, then with forms in one another. */
  private workOf(dictionaries: Dictionaries): Map<number, number> {
    const work = new Map<number, number>();
    for (const [object, { bytes }] of this.contents) work.set(object, bytes);
    if (this.forms.size === 0) return work;
    const anywhere = this.namesIn(dictionaries.texts);
    const names = new Map<number, Names>();
    for (const object of this.contents.keys()) {
      names.set(object, this.namesOf(object, dictionaries) ?? anywhere);
    }
    for (let round = 0, changed = true; changed && round < MAX_ROUNDS; round++) {
      changed = false;
      for (const [object, { bytes, drawn }] of this.contents) {
        let sum = bytes;
        for (const [name, times] of drawn) {
          let largest = 0;
          for (const form of names.get(object)!.get(name) ?? []) {
            // A form that draws itself is drawn by no reader.
            if (form !== object) largest = Math.max(largest, work.get(form)!);
          }
          sum += times * largest;
        }
        // Beyond this it is refused whatever it is.
        const capped = Math.min(sum, 2 * MAX_PAGE_BYTES);
        changed ||= capped !== work.get(object);
        work.set(object, capped);
      }
    }
    return work;
  }

  /** What names mean in a form that has resources of its own; null where they may be anybody's. */
  private namesOf(object: number, dictionaries: Dictionaries): Names | null {
    const dictionary = this.forms.get(object);
    if (dictionary === undefined || !/\/Resources\b/.test(dictionary)) return null;
    const texts = [dictionary];
    for (let at = 0; at < texts.length && at < MAX_RESOURCES; at++) {
      for (const [, named] of texts[at]!.matchAll(RESOURCES)) {
        const found = dictionaries.of(Number(named));
        if (!found) return null;
        texts.push(...found);
      }
    }
    return texts.length > MAX_RESOURCES ? null : this.namesIn(texts);
  }

  private namesIn(texts: readonly string[]): Names {
    const names = new Map<string, Set<number>>();
    for (const text of texts) {
      for (const [, name, object] of text.matchAll(BOUND)) {
        if (!this.forms.has(Number(object))) continue;
        names.set(name!, (names.get(name!) ?? new Set()).add(Number(object)));
      }
    }
    return names;
  }
}

function tooMuch(what: string, most: number): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    `${what} draws with more than ${most} bytes: split it or print it to a new PDF`,
  );
}

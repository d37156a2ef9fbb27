/**
 * Rows and records repeat the names of their columns and members. The budget
 * bounds what that adds: a small file can't become a large text, and a large one
 * is not refused for the sake of its names.
 */
import { MAX_TEXT } from './document.ts';

/** Characters of names for each character of content. */
const SHARE = 8;
/** Spent before the share counts. */
const FREE = 65_536;
/** Text that a character of the source becomes without names, with what parts lines and blocks. */
const GROWTH = 1.4;

export class NameBudget {
  private readonly source: number;
  private names = 0;
  private content = 0;

  /** @param source characters of the file */
  constructor(source: number) {
    this.source = source;
  }

  /**
   * Whether `content` characters may be written with a name of `name`.
   * @param text characters of the document so far
   */
  spend(name: number, content: number, text: number): boolean {
    this.content += content;
    const names = this.names + name;
    const rest = GROWTH * Math.max(0, this.source - this.content);
    if (names > FREE + SHARE * this.content || text + name + rest > MAX_TEXT) return false;
    this.names = names;
    return true;
  }
}

/**
 * Rows and records repeat the names of their columns and members. The budget
 * bounds what that adds, so that a small file can't become a large text.
 */
import { MAX_TEXT } from './document.ts';

/** Characters of names for each character of content. */
const SHARE = 8;
/** Spent before the share counts. */
const FREE = 65_536;

export class NameBudget {
  private names = 0;
  private content = 0;

  /** Whether `content` characters may be told with a name of `name`. */
  spend(name: number, content: number): boolean {
    this.content += content;
    const total = this.names + name;
    if (total > FREE + SHARE * this.content || total > MAX_TEXT / 2) return false;
    this.names = total;
    return true;
  }
}

/** Text as files and questions have it alike, before words are looked for in it. Pure. */

/**
 * Characters that no reader sees and that would part a word: the soft hyphen, the
 * zero-width space, the word joiner, and the byte order mark. Joiners that shape what is
 * seen (U+200C, U+200D) stay: Persian words and emoji are written with them.
 */
const UNSEEN = /[\u00ad\u200b\u2060\ufeff]/g;

/** The text without them: for what is kept of a file, and for what is searched with. */
export function withoutUnseen(text: string): string {
  return text.replace(UNSEEN, '');
}

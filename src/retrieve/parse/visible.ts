/**
 * Removes characters without width, which keep a word from being found: a soft
 * hyphen or a zero-width space inside it makes another word of it.
 */

/** Soft hyphen (with the line break at it), zero-width space, word joiner, invisible operators, byte order mark. */
const ALWAYS = /\u00AD(?:[ \t\r]{0,8}\n[ \t]{0,8})?|[\u200B\u2060-\u2064\uFEFF]+/g;

/**
 * Joiners and direction marks. Persian, Indic scripts and emoji are spelt with
 * joiners, so these go only where both neighbours belong to scripts that are not.
 */
const BETWEEN_LETTERS = new RegExp(
  '(?<=LETTER)[\\u180E\\u200C-\\u200F\\u202A-\\u202E\\u2066-\\u2069]+(?=LETTER)'.replaceAll(
    'LETTER',
    '[\\p{Script=Latin}\\p{Script=Greek}\\p{Script=Cyrillic}\\p{Script=Han}\\p{Nd}]',
  ),
  'gu',
);

const ANY = /[\u00AD\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/;

/** Whether the text has a character without width. */
export function hasNoWidth(text: string): boolean {
  return ANY.test(text);
}

export function visible(text: string): string {
  return hasNoWidth(text) ? text.replace(ALWAYS, '').replace(BETWEEN_LETTERS, '') : text;
}

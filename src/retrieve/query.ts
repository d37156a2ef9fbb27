/**
 * A user's words as an FTS5 query. Only letters and digits get through, each
 * term in quotes, so no text can be read as FTS5 syntax.
 */
import { normalise } from '../model/unicode-normalise.ts';
import { visible } from './parse/visible.ts';

/**
 * Weights of title, heading and text: a heading's words say what a section is
 * about.
 */
export const FIELD_WEIGHTS = [
  ['title', 2],
  ['heading', 4],
  ['text', 1],
] as const;

/** Characters of a question that it is searched with: its beginning, where it has more. */
export const MAX_QUESTION = 32_768;
/** Terms beyond this add cost, not precision. */
export const MAX_QUERY_TERMS = 48;
/** FTS5 has no limit of its own on a term's length; a passage has no such words. */
const MAX_TERM = 64;

/** Words that nearly every passage has: scoring them costs time and adds nothing. */
const STOP_WORDS = new Set(
  `a an and are as at be been but by can could did do does for from had has have how i if in into
  is it its me my no not of on or our should so some such than that the their them then there
  these they this those to us was we were what when where which while who why will with would you
  your`.split(/\s+/),
);

/** The query, or undefined if the text has no word to search for. */
export function matchQuery(text: string): string | undefined {
  const terms = tellingWords(text);
  return terms.length > 0 ? terms.map((term) => `"${term}"`).join(' OR ') : undefined;
}

/** Words of a question to search for, each once; its stop words only where it has no others. */
export function tellingWords(question: string): string[] {
  const words = new Set(wordsIn(question));
  const telling = [...words].filter((word) => !STOP_WORDS.has(word));
  return (telling.length > 0 ? telling : [...words]).slice(0, MAX_QUERY_TERMS);
}

export function* wordsIn(text: string): Generator<string> {
  const letters = normalise(visible(text), 'NFC').toLowerCase();
  for (const [word] of letters.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) yield word.slice(0, MAX_TERM);
}

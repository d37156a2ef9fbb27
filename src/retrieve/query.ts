/**
 * A user's words as an FTS5 query. Only letters and digits get through, each
 * term in quotes, so no text can be read as FTS5 syntax.
 */
import { type AskedWord, askedWords } from './unspaced.ts';

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

/** Words that nearly every passage has: scoring them costs time and adds nothing. */
const STOP_WORDS = new Set(
  `a an and are as at be been but by can could did do does for from had has have how i if in into
  is it its me my no not of on or our should so some such than that the their them then there
  these they this those to us was we were what when where which while who why will with would you
  your`.split(/\s+/),
);

/** The query, or undefined if the text has no word to search for. */
export function matchQuery(text: string): string | undefined {
  const words = tellingWords(text);
  if (words.length === 0) return undefined;
  return words.map(({ word, begins }) => (begins ? `"${word}"*` : `"${word}"`)).join(' OR ');
}

/** Words of a question to search for, each once; its stop words only where it has no others. */
export function tellingWords(question: string): AskedWord[] {
  const words = [
    ...new Map(Array.from(askedWords(question), (asked) => [asked.word, asked])).values(),
  ];
  const telling = words.filter(({ word }) => !STOP_WORDS.has(word));
  return (telling.length > 0 ? telling : words).slice(0, MAX_QUERY_TERMS);
}

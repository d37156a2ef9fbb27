/**
 * Words of scripts that are written without spaces between them, and of Korean, which
 * joins particles to its words. There a word is every two neighbouring letters
 * (bigrams, as Lucene's CJKAnalyzer has them): no dictionary is needed, none can change
 * under an index, and a question is cut like a passage whatever is beside a word. Pure.
 */
import { normalise } from '../model/unicode-normalise.ts';
import { visible } from './parse/visible.ts';

const SCRIPTS = ['Han', 'Hira', 'Kana', 'Bopo', 'Hang', 'Thai', 'Laoo', 'Khmr', 'Mymr'];
/** A letter, mark or digit of these; a sound mark that several of them share is one, too. */
const CHARACTER = `(?:(?=[\\p{L}\\p{M}\\p{N}])[${SCRIPTS.map((name) => `\\p{scx=${name}}`).join('')}])`;
const ANY = new RegExp(CHARACTER, 'u');
const RUN = new RegExp(`${CHARACTER}+`, 'gu');
const SPACED_WORD = /[\p{L}\p{N}\p{M}]+/gu;

/** Full-width letters and half-width katakana: what legacy keyboards and files have for the usual ones. */
const WIDTH_FORMS = /[\uFF01-\uFFEE]+/g;
/** Of two glyphs of one character the one that is meant, and joiners: neither makes another word. */
const UNSEEN = new RegExp(
  `(?<=${CHARACTER})[\\u200C\\u200D\\uFE00-\\uFE0F\\u{E0100}-\\u{E01EF}]+`,
  'gu',
);
const MARKED_LETTER = /\P{M}\p{M}*|\p{M}+/gu;
/** SQLite's tokenizer ends a word at a mark. In a bigram it is a character of a private plane. */
const MARK = /\p{M}/gu;
const PRIVATE_PLANE = 0xf0000;

/** Bigrams of a run that may be a word: longer ones are clauses, which no text repeats. */
const MAX_PHRASE = 16;
/** FTS5 has no limit of its own on a term's length; a passage has no such words. */
const MAX_TERM = 64;

/** The text in one form however it was typed, in lower case; no characters but those seen. O(length). */
function plain(text: string): string {
  const usual = visible(text).replace(WIDTH_FORMS, (run) => run.normalize('NFKC'));
  return normalise(usual, 'NFC').replace(UNSEEN, '').toLowerCase();
}

/**
 * A text as the word index reads it: bigrams apart from one another and from words
 * beside them, each run's last character by itself, so that all of its characters begin
 * a term. Null for a text that the index reads as it is. At most three times the
 * text's bytes in UTF-8, and two bytes.
 */
export function indexedText(text: string): string | null {
  return isSpaced(text) ? null : plain(text).replace(RUN, (run) => ` ${bigramsOf(run).join(' ')} `);
}

/** Whether all of a text's words are between spaces, in their usual forms. */
export function isSpaced(text: string): boolean {
  return !ANY.test(text) && text.search(WIDTH_FORMS) < 0;
}

interface Part {
  text: string;
  /** Of a run; null for what is between runs. */
  bigrams: string[] | null;
}

/** The text in one form, in runs of unspaced characters and what is between them. */
export function* partsOf(text: string): Generator<Part> {
  const letters = plain(text);
  let from = 0;
  for (const { 0: run, index } of letters.matchAll(RUN)) {
    if (index > from) yield { text: letters.slice(from, index), bigrams: null };
    yield { text: run, bigrams: bigramsOf(run) };
    from = index + run.length;
  }
  if (from < letters.length) yield { text: letters.slice(from), bigrams: null };
}

/** The words of a text in its order, runs of unspaced characters as `indexedText` has them. */
export function* wordsIn(text: string): Generator<string> {
  for (const part of partsOf(text)) yield* part.bigrams ?? spacedWords(part.text);
}

export interface AskedWord {
  /** Or several, with a space between: in a row. */
  word: string;
  /** Stands for all words that begin with it: it is one unspaced letter. */
  begins: boolean;
}

/**
 * What a question asks for: as `wordsIn`, a run's last letter only where it is all of the
 * run. A short run is asked for whole, too: of two texts with its bigrams the one that has
 * them in a row is meant.
 */
export function* askedWords(question: string): Generator<AskedWord> {
  for (const { text, bigrams } of partsOf(question)) {
    const begins = bigrams?.length === 1;
    if (bigrams && !begins) bigrams.pop();
    for (const word of bigrams ?? spacedWords(text)) yield { word, begins };
    if (bigrams && bigrams.length > 1 && bigrams.length <= MAX_PHRASE) {
      yield { word: bigrams.join(' '), begins };
    }
  }
}

function spacedWords(text: string): string[] {
  return (text.match(SPACED_WORD) ?? []).map((word) => word.slice(0, MAX_TERM));
}

/** Bigrams of a run, and its last character. A letter and the marks on it are one. */
function bigramsOf(run: string): string[] {
  const characters = run.match(MARKED_LETTER) ?? [];
  return characters.map((one, i) =>
    (one + (characters[i + 1] ?? '')).replace(MARK, inPrivatePlane),
  );
}

function inPrivatePlane(mark: string): string {
  return String.fromCodePoint(PRIVATE_PLANE + (mark.codePointAt(0)! & 0xffff));
}

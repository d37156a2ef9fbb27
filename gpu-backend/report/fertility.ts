/** What texts cost in tokens: by word, by byte, and beside the same content in English. */

/** A language that costs more than this many times English is warned of. */
export const DEAR = 2;

export interface Fertility {
  words: number;
  tokensPerWord: number;
  tokensPerByte: number;
  /** Of its words, the share that is one token. */
  wholeWords: number;
  /** Times the tokens of the same content in English; null where the text has no such counterpart. */
  timesEnglish: number | null;
}

export type Encode = (text: string) => ArrayLike<number>;

/** @param english tokens of the same content in English */
export function fertilityOf(text: string, encode: Encode, english: number | null): Fertility {
  const tokens = encode(text).length;
  const words = wordsOf(text);
  // As it stands in a sentence: most vocabularies have words with the space before them.
  const isWhole = new Map<string, boolean>();
  for (const word of words) isWhole.set(word, false);
  for (const word of isWhole.keys()) isWhole.set(word, encode(` ${word}`).length === 1);
  const whole = words.filter((word) => isWhole.get(word)).length;
  return {
    words: words.length,
    tokensPerWord: tokens / Math.max(1, words.length),
    tokensPerByte: tokens / Math.max(1, new TextEncoder().encode(text).length),
    wholeWords: whole / Math.max(1, words.length),
    timesEnglish: english === null ? null : tokens / english,
  };
}

/** A segmenter copies its whole text for every segment: long texts are split before. */
const LINES = /[^\n]{1,500}/g;

/** By Unicode's rules and, where a language writes no spaces, its dictionary. */
function wordsOf(text: string): string[] {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
  return (text.match(LINES) ?? []).flatMap((line) =>
    [...segmenter.segment(line)].flatMap(({ segment, isWordLike }) =>
      isWordLike ? [segment] : [],
    ),
  );
}

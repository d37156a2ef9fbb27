/** Which passages an answer quotes. Pure. */

export interface Quotable {
  text: string;
}

export interface Quote<Passage> {
  passage: Passage;
  /** Of the longest run of words in common, in the answer, in UTF-16 code units. */
  start: number;
  end: number;
}

/** Words in a row that are a quote and no coincidence. */
const LEAST_QUOTE = 6;
/** Words of an answer that are looked at: bounds the time, words of answer times words of passages. */
const MAX_ANSWER_WORDS = 4_096;

interface Word {
  text: string;
  start: number;
  end: number;
}

/** The longest quote from each passage that has one, in the order of the passages. */
export function quotesIn<Passage extends Quotable>(
  answer: string,
  passages: readonly Passage[],
): Quote<Passage>[] {
  const words = wordsOf(answer).slice(0, MAX_ANSWER_WORDS);
  const runs = new Set(runsOf(words));
  return passages.flatMap((passage) => {
    const passageWords = wordsOf(passage.text);
    // Most passages of a whole document are not quoted: one look at each word shows that.
    if (!runsOf(passageWords).some((run) => runs.has(run))) return [];
    const run = longestCommonRun(words, passageWords);
    return [{ passage, start: words[run.from]!.start, end: words[run.from + run.length - 1]!.end }];
  });
}

/** Every `LEAST_QUOTE` words in a row. */
function runsOf(words: readonly Word[]): string[] {
  return words.slice(LEAST_QUOTE - 1).map((_, i) =>
    words
      .slice(i, i + LEAST_QUOTE)
      .map(({ text }) => text)
      .join(' '),
  );
}

/** Markup and spacing aside: what is quoted may be cut out of either. */
function wordsOf(text: string): Word[] {
  return Array.from(text.matchAll(/[\p{L}\p{N}]+/gu), (match) => ({
    text: match[0].toLowerCase(),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** One row of the table of common suffixes is kept: O(a · b) time, O(b) memory. */
function longestCommonRun(a: readonly Word[], b: readonly Word[]) {
  let above = new Uint16Array(b.length + 1);
  let best = { from: 0, length: 0 };
  for (let i = 0; i < a.length; i++) {
    const row = new Uint16Array(b.length + 1);
    for (let j = 0; j < b.length; j++) {
      if (a[i]!.text !== b[j]!.text) continue;
      const length = above[j]! + 1;
      row[j + 1] = length;
      if (length > best.length) best = { from: i - length + 1, length };
    }
    above = row;
  }
  return best;
}

/**
 * Finds what an answer quotes from a passage.
 *
 * Both are compared word by word, so that a line broken elsewhere still counts.
 * A quote is a maximal run of passage words that stand in the answer in the same
 * order, at least MIN_QUOTE_WORDS long: shorter runs ("of the", "in the store")
 * are how people write, not quotes. O(words) on ordinary prose.
 */

export const MIN_QUOTE_WORDS = 4;

/** @typedef {{ start: number, end: number }} Range offsets in UTF-16 units, end exclusive */

/**
 * @param {string} answer
 * @param {string} passage
 * @returns {Range[]} ranges of the passage, ascending, not overlapping
 */
export function findQuotes(answer, passage) {
  const said = words(answer);
  const read = words(passage);
  const openings = indexRuns(said);
  /** @type {Range[]} */
  const quotes = [];
  let at = 0;
  while (at + MIN_QUOTE_WORDS <= read.length) {
    let longest = 0;
    for (const from of openings.get(runKey(read, at)) ?? []) {
      longest = Math.max(longest, commonRun(said, from, read, at));
    }
    if (longest === 0) {
      at++;
      continue;
    }
    const first = read[at];
    const last = read[at + longest - 1];
    if (first && last) quotes.push({ start: first.start, end: last.end });
    at += longest;
  }
  return quotes;
}

/** @typedef {{ text: string, start: number, end: number }} Word */

/** @param {string} text @returns {Word[]} */
function words(text) {
  return Array.from(text.matchAll(/\S+/g), (match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** @param {Word[]} list @param {number} from */
function runKey(list, from) {
  return list
    .slice(from, from + MIN_QUOTE_WORDS)
    .map((word) => word.text)
    .join(' ');
}

/** Where each run of MIN_QUOTE_WORDS words begins. @param {Word[]} list */
function indexRuns(list) {
  /** @type {Map<string, number[]>} */
  const runs = new Map();
  for (let from = 0; from + MIN_QUOTE_WORDS <= list.length; from++) {
    const key = runKey(list, from);
    const known = runs.get(key);
    if (known) known.push(from);
    else runs.set(key, [from]);
  }
  return runs;
}

/** @param {Word[]} a @param {number} i @param {Word[]} b @param {number} j */
function commonRun(a, i, b, j) {
  let length = 0;
  while (i + length < a.length && a[i + length]?.text === b[j + length]?.text) length++;
  return length;
}

/**
 * A document's parts by their words, for documents that are in no index. bm25
 * over the parts themselves, with the weights and the stemming of the stores'
 * word index. Pure.
 */
import { stemmer } from 'stemmer';
import { normalise } from '../model/unicode-normalise.ts';
import { FIELD_WEIGHTS, MAX_QUESTION, tellingWords } from './query.ts';
import { wordsIn } from './unspaced.ts';

/** As FTS5 has them. */
const K1 = 1.2;
const B = 0.75;

interface Fields {
  title: string;
  heading: string;
  text: string;
}

export interface RankedPart<Part> {
  part: Part;
  /** In (0, 1]: a share of the best one's. */
  score: number;
}

/** The `most` best of those that have a word of the question, best first. O(words of all parts). */
export function rankParts<Part extends Fields>(
  parts: readonly Part[],
  question: string,
  most: number,
): RankedPart<Part>[] {
  const asked = tellingWords(question.slice(0, MAX_QUESTION));
  const terms = new Set(asked.map(({ word }) => stem(word)));
  const beginnings = asked.filter(({ begins }) => begins).map(({ word }) => word);
  const found = new Map([...terms].map((term) => [term, 0]));
  let words = 0;
  const counted = parts.map((part) => {
    const counts = new Map<string, number>();
    let length = 0;
    for (const [field, weight] of FIELD_WEIGHTS) {
      for (const word of wordsIn(part[field])) {
        length++;
        const beginning = beginnings.find((one) => word.startsWith(one));
        const term = stem(beginning ?? word);
        if (terms.has(term)) counts.set(term, (counts.get(term) ?? 0) + weight);
      }
    }
    for (const term of counts.keys()) found.set(term, found.get(term)! + 1);
    words += length;
    return { part, counts, length };
  });
  const mean = words / Math.max(1, parts.length);
  const ranked = counted
    .map(({ part, counts, length }) => {
      let score = 0;
      for (const [term, count] of counts) {
        const rows = found.get(term)!;
        // Above 0 also for a term that most parts have: a short document has few of them.
        const rarity = Math.log(1 + (parts.length - rows + 0.5) / (rows + 0.5));
        score += (rarity * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / mean));
      }
      return { part, score };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, most);
  const best = ranked[0]?.score ?? 1;
  return ranked.map(({ part, score }) => ({ part, score: score / best }));
}

/** Porter's stem of a word without its accents. */
function stem(word: string): string {
  return stemmer(normalise(word, 'NFD').replace(/\p{M}/gu, ''));
}

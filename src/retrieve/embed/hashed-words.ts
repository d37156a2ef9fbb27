/**
 * Vectors of words that a vocabulary of spaced scripts has no tokens for: a direction a
 * word, by its hash (Weinberger et al. 2009). Two of them are nearly at right angles, so
 * texts are near as far as they share words, which the tokens of their bytes can't say.
 */
import { isSpaced, partsOf } from '../unspaced.ts';
import type { TokenVectors } from './embedder.ts';

/** Ids from here on are hashed words; no vocabulary is so large. Below 2³¹, as lists of ids are int32. */
const FIRST = 2 ** 30;
/** Of a vector: the median in the bundled table of tokens that are one byte, or rare. */
const LENGTH = 1.4;

/** The same tokens for spaced text; for a run without spaces its bigrams. */
export function withHashedWords(tokens: TokenVectors, dimensions: number): TokenVectors {
  return {
    encode(text) {
      if (isSpaced(text)) return tokens.encode(text);
      const ids: number[] = [];
      for (const { text: part, bigrams } of partsOf(text)) {
        if (bigrams) for (const word of bigrams) ids.push(hashedId(word));
        else for (const id of Array.from(tokens.encode(part))) ids.push(id);
      }
      return ids;
    },
    async vectors(ids) {
      const states = await tokens.vectors(ids.filter((id) => !isHashed(id)));
      const all = new Float32Array(ids.length * dimensions);
      let from = 0;
      for (const [i, id] of ids.entries()) {
        const vector = all.subarray(i * dimensions, (i + 1) * dimensions);
        if (isHashed(id)) {
          setHashed(id, vector);
        } else {
          vector.set(states.subarray(from, from + dimensions));
          from += dimensions;
        }
      }
      return all;
    },
  };
}

export function isHashed(id: number): boolean {
  return id >= FIRST;
}

/** FNV-1a over UTF-16 code units: one pair of words in 2³⁰ shares an id. */
function hashedId(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) {
    hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  }
  return FIRST + (hash >>> 2);
}

/** LENGTH long; the signs are those of a xorshift32 that the id seeds. */
function setHashed(id: number, vector: Float32Array): void {
  const each = LENGTH / Math.sqrt(vector.length);
  // Neighbouring ids must not begin alike, and 0 would stay 0.
  let state = Math.imul(id, 0x9e3779b1) | 1;
  for (let i = 0; i < vector.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    vector[i] = state < 0 ? -each : each;
  }
}

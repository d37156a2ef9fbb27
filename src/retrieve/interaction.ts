/**
 * Late interaction: a question and a passage compared token by token (ColBERT's
 * MaxSim, Khattab and Zaharia 2020), here with vectors that tokens have by
 * themselves. Each token of the question counts as far as the passage has one that
 * is near it, and as much as its vector is long, which is about its idf. Counted is
 * the passage's best window: an answer is said in one place.
 */
import type { TokenVectors } from './embed/embedder.ts';
import type { Ranked } from './ranked.ts';

/** Tokens of a window, half of which the next one shares. Chosen on the questions of `bench:retrieval`. */
const WINDOW = 64;
/** Tokens of a question that are compared, each once: work is their number times that of the passages'. */
const MAX_ASKED = 512;

interface Candidate {
  id: number;
  title: string;
  heading: string;
  text: string;
}

/** As shares of the best: in [0, 1], best first; none for a question without tokens. */
export async function interact(
  tokens: TokenVectors,
  question: string,
  candidates: readonly Candidate[],
): Promise<Ranked[]> {
  const asked = [...new Set(Array.from(tokens.encode(question)))].slice(0, MAX_ASKED);
  if (asked.length === 0 || candidates.length === 0) return [];
  const read = candidates.map(({ id, title, heading, text }) => ({
    id,
    head: tokens.encode(`${title}\n${heading}`),
    body: tokens.encode(text),
  }));
  const known = new Map<number, number>();
  for (const { head, body } of read) {
    for (const ids of [head, body]) {
      for (let i = 0; i < ids.length; i++) if (!known.has(ids[i]!)) known.set(ids[i]!, known.size);
    }
  }
  const vectors = await tokens.vectors([...asked, ...known.keys()]);
  const nearness = nearnessOf(vectors, asked.length, known.size);
  const rows = (ids: ArrayLike<number>) => Int32Array.from(ids, (id) => known.get(id)!);
  const scored = read.map(({ id, head, body }) => {
    return { id, score: bestWindow(nearness, asked.length, rows(head), rows(body)) };
  });
  const best = Math.max(...scored.map(({ score }) => score));
  if (!(best > 0)) return [];
  return scored
    .map(({ id, score }) => ({ id, score: score / best }))
    .sort((a, b) => b.score - a.score || a.id - b.id);
}

/**
 * Of each known token to each that was asked, [known, asked]: cosine times the
 * asked one's length, not below 0.
 */
function nearnessOf(vectors: Float32Array, asked: number, known: number): Float32Array {
  const size = vectors.length / (asked + known);
  const nearness = new Float32Array(known * asked);
  for (let k = 0; k < known; k++) {
    const row = vectors.subarray((asked + k) * size, (asked + k + 1) * size);
    const length = Math.hypot(...row) || 1;
    for (let q = 0; q < asked; q++) {
      let dot = 0;
      for (let i = 0, at = q * size; i < size; i++, at++) dot += vectors[at]! * row[i]!;
      nearness[k * asked + q] = Math.max(0, dot / length);
    }
  }
  return nearness;
}

/** The headings count in every window. */
function bestWindow(
  nearness: Float32Array,
  asked: number,
  head: Int32Array,
  body: Int32Array,
): number {
  const ofHead = nearest(nearness, asked, head, new Float32Array(asked));
  let best = 0;
  for (let from = 0; from === 0 || from + WINDOW / 2 < body.length; from += WINDOW / 2) {
    const window = body.subarray(from, from + WINDOW);
    const sum = nearest(nearness, asked, window, ofHead.slice()).reduce((a, b) => a + b, 0);
    best = Math.max(best, sum);
  }
  return best;
}

/** Raises `most` to the nearest of the tokens, for each that was asked. */
function nearest(nearness: Float32Array, asked: number, rows: Int32Array, most: Float32Array) {
  for (const row of rows) {
    for (let q = 0, at = row * asked; q < asked; q++, at++) {
      if (nearness[at]! > most[q]!) most[q] = nearness[at]!;
    }
  }
  return most;
}

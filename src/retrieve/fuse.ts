/** Two rankings to one. Pure. */

import type { Near } from '../store/objects/vectors.ts';
import type { Ranked } from './ranked.ts';

/**
 * What the nearest vector is worth beside the best bm25, with encoders whose tokens
 * have no vectors by themselves. Chosen with a MiniLM on half of chunking_evaluation.
 */
export const MEANING_WEIGHT = 0.5;
/** Cosines below this are chance. Passages that share no word with a question need at least it. */
export const LEAST_SIMILARITY = 0.35;

/**
 * A weighted sum of each ranking's scores as shares of its best (Bruch, Gai and
 * Ingber 2023), again as shares of the best: in (0, 1], best first. Where no
 * passage is near, the order and the scores are those of the words.
 */
export function fuse(words: readonly Ranked[], near: readonly Near[], weight: number): Ranked[] {
  const scores = new Map(words.map(({ id, score }) => [id, score]));
  const nearest = near[0]?.similarity ?? 0;
  for (const { id, similarity } of near) {
    const known = scores.get(id);
    if (similarity < (known === undefined ? LEAST_SIMILARITY : 0)) continue;
    scores.set(id, (known ?? 0) + (weight * similarity) / Math.max(nearest, LEAST_SIMILARITY));
  }
  return ranked(scores);
}

/** A weighted sum of two rankings, whose scores are shares of their best; of one that is empty, the other. */
export function add(first: readonly Ranked[], second: readonly Ranked[], weight: number): Ranked[] {
  const scores = new Map(first.map(({ id, score }) => [id, score]));
  for (const { id, score } of second) scores.set(id, (scores.get(id) ?? 0) + weight * score);
  return ranked(scores);
}

function ranked(scores: ReadonlyMap<number, number>): Ranked[] {
  const best = Math.max(...scores.values());
  return [...scores]
    .map(([id, score]) => ({ id, score: score / best }))
    .sort((a, b) => b.score - a.score || a.id - b.id);
}

/** Vectors alone, for comparison: similarities as shares of the best, those above 0. */
export function nearness(near: readonly Near[]): Ranked[] {
  const best = near[0]?.similarity ?? 0;
  return near
    .filter(({ similarity }) => similarity > 0)
    .map(({ id, similarity }) => ({ id, score: similarity / best }));
}

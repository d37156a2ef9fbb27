/**
 * How good a ranking of passages is for a question whose answer is known by its
 * spans. Recall, precision, IoU and Precision-Omega as Smith and Troynikov
 * (2024) define them, over tokens or characters; nDCG@10 with the share of the
 * answer that a passage holds as its gain.
 */
import { inCharacters, type Length, lengthOf, merge, overlap, type Span } from './spans.ts';

/** Passages that recall, precision and IoU look at. */
export const AT = 5;
/** Passages that are ranked for a question. */
export const RANKED = 10;

export interface Measures {
  recall: number;
  precision: number;
  iou: number;
  /** Precision of all passages that hold any of the answer: the best that this cutting allows. */
  precisionOmega: number;
  ndcg10: number;
}

export const MEASURES = ['ndcg10', 'recall', 'precision', 'iou', 'precisionOmega'] as const;

/** @param all every passage of the corpus, the ranked ones among them */
export function measure(
  ranked: readonly Span[],
  answers: readonly Span[],
  all: readonly Span[],
  length: Length = inCharacters,
): Measures {
  const wanted = lengthOf(answers, length);
  const top = ranked.slice(0, AT);
  const hit = overlap(answers, merge(top), length);
  const got = lengthOf(top, length);
  const touching = all.filter((passage) => overlap(answers, [passage], length) > 0);
  const gain = (passage: Span) => overlap(answers, [passage], length) / wanted;
  const ideal = discounted(touching.map(gain).sort((a, b) => b - a));
  const touched = lengthOf(touching, length);
  return {
    recall: hit / wanted,
    precision: got === 0 ? 0 : hit / got,
    iou: hit / (got + wanted - hit),
    precisionOmega: touched === 0 ? 0 : overlap(answers, merge(touching), length) / touched,
    ndcg10: ideal === 0 ? 0 : discounted(ranked.map(gain)) / ideal,
  };
}

export function meanOf(all: readonly Measures[]): Measures {
  const mean = (name: keyof Measures) =>
    all.reduce((total, one) => total + one[name], 0) / all.length;
  return {
    recall: mean('recall'),
    precision: mean('precision'),
    iou: mean('iou'),
    precisionOmega: mean('precisionOmega'),
    ndcg10: mean('ndcg10'),
  };
}

/** A line of a table with the columns of `MEASURES`. */
export function cellsOf(measures: Measures): string {
  return MEASURES.map((name) => measures[name].toFixed(3).padStart(15)).join('');
}

function discounted(gains: readonly number[]): number {
  return gains.slice(0, RANKED).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);
}

/**
 * How good a ranking of passages is for a question whose answer is known by its
 * spans. Recall, precision, IoU and Precision-Omega as Smith and Troynikov
 * (2024) define them over tokens, here over characters; nDCG@10 with the share
 * of the answer that a passage holds as its gain.
 */
import { merge, type Span } from './questions.ts';

/** Passages that recall, precision and IoU look at. */
export const AT = 5;
const NDCG_AT = 10;

export interface Measures {
  recall: number;
  precision: number;
  iou: number;
  /** Precision of all passages that hold any of the answer: the best that this cutting allows. */
  precisionOmega: number;
  ndcg10: number;
}

/** @param all every passage of the corpus, the ranked ones among them */
export function measure(
  ranked: readonly Span[],
  answers: readonly Span[],
  all: readonly Span[],
): Measures {
  const wanted = lengthOf(answers);
  const top = ranked.slice(0, AT);
  const hit = overlap(answers, merge(top));
  const got = lengthOf(top);
  const touching = all.filter((passage) => overlap(answers, [passage]) > 0);
  const gain = (passage: Span) => overlap(answers, [passage]) / wanted;
  const ideal = discounted(touching.map(gain).sort((a, b) => b - a));
  return {
    recall: hit / wanted,
    precision: got === 0 ? 0 : hit / got,
    iou: hit / (got + wanted - hit),
    precisionOmega: overlap(answers, merge(touching)) / lengthOf(touching),
    ndcg10: discounted(ranked.map(gain)) / ideal,
  };
}

function discounted(gains: readonly number[]): number {
  return gains.slice(0, NDCG_AT).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);
}

function lengthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Characters in both; each side's spans must not overlap one another. */
function overlap(a: readonly Span[], b: readonly Span[]): number {
  let both = 0;
  for (const x of a) {
    for (const y of b) both += Math.max(0, Math.min(x.end, y.end) - Math.max(x.start, y.start));
  }
  return both;
}

/** The law that the first two tokens of the table model's answers follow, and drafts that never change. */
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import { logitsAfter, VOCAB } from '../lossless/table-model.ts';

/** 99.99 % quantile of χ² with 24 degrees of freedom. */
export const CHI2_LIMIT = 60;

function softmax(logits: Float32Array, temperature: number): Float64Array {
  const weights = Float64Array.from(logits, (z) => Math.exp(z / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Pearson's statistic of the first two tokens of answers at temperature 1 against the target's law. */
export function chiSquared(answers: Iterable<ArrayLike<number>>): number {
  const counts = new Float64Array(VOCAB * VOCAB);
  let sum = 0;
  for (const tokens of answers) {
    counts[tokens[0]! * VOCAB + tokens[1]!]!++;
    sum++;
  }
  const first = softmax(logitsAfter([]), 1);
  let statistic = 0;
  for (let a = 0; a < VOCAB; a++) {
    const second = softmax(logitsAfter([a]), 1);
    for (let b = 0; b < VOCAB; b++) {
      const expected = sum * first[a]! * second[b]!;
      statistic += (counts[a * VOCAB + b]! - expected) ** 2 / expected;
    }
  }
  return statistic;
}

/** Proposes the same three tokens after every place, to a depth of two. */
export function proposeSteadily(tree: TokenTree): void {
  for (const [token, prob] of [
    [2, 0.5],
    [0, 0.3],
    [3, 0.1],
  ] as const) {
    const node = tree.add(ROOT, token, prob, Source.draft);
    tree.add(node, 1, prob * 0.7, Source.draft);
    tree.add(node, 2, prob * 0.2, Source.draft);
  }
}

/** Fits the judge's linear head: logistic regression with weight decay, by gradient descent. */

export interface Label {
  /** The target's last hidden state at a token that it did not choose. */
  hidden: Float32Array;
  /** Whether the answer stayed right when it went on from there. */
  good: boolean;
}

export interface Fitted {
  weights: number[];
  bias: number;
}

const STEPS = 400;
const RATE = 0.5;
const DECAY = 0.02;

/** O(steps · labels · width). Features are scaled to unit variance while fitting. Throws without labels. */
export function fitJudge(labels: readonly Label[]): Fitted {
  const width = labels[0]?.hidden.length;
  if (!width) throw new Error('no labels to fit a judge to');
  const { mean, scale } = momentsOf(labels, width);
  const rows = labels.map(({ hidden }) =>
    Float64Array.from(hidden, (h, i) => (h - mean[i]!) / scale[i]!),
  );
  const weights = new Float64Array(width);
  let bias = 0;
  for (let step = 0; step < STEPS; step++) {
    const gradient = new Float64Array(width);
    let biasGradient = 0;
    for (const [at, row] of rows.entries()) {
      let z = bias;
      for (let i = 0; i < width; i++) z += weights[i]! * row[i]!;
      const error = 1 / (1 + Math.exp(-z)) - (labels[at]!.good ? 1 : 0);
      for (let i = 0; i < width; i++) gradient[i]! += error * row[i]!;
      biasGradient += error;
    }
    for (let i = 0; i < width; i++) {
      weights[i]! -= (RATE / width ** 0.5) * (gradient[i]! / rows.length + DECAY * weights[i]!);
    }
    bias -= RATE * (biasGradient / rows.length);
  }
  // Back to features as the model gives them.
  const unscaled = weights.map((w, i) => w / scale[i]!);
  const shift = unscaled.reduce((sum, w, i) => sum + w * mean[i]!, 0);
  return { weights: [...unscaled], bias: bias - shift };
}

function momentsOf(labels: readonly Label[], width: number) {
  const mean = new Float64Array(width);
  const scale = new Float64Array(width);
  for (const { hidden } of labels) for (let i = 0; i < width; i++) mean[i]! += hidden[i]!;
  for (let i = 0; i < width; i++) mean[i]! /= labels.length;
  for (const { hidden } of labels) {
    for (let i = 0; i < width; i++) scale[i]! += (hidden[i]! - mean[i]!) ** 2;
  }
  for (let i = 0; i < width; i++) scale[i] = Math.sqrt(scale[i]! / labels.length) || 1;
  return { mean, scale };
}

/** Probability that a good label is scored above a bad one; ties half. NaN where there is only one kind. */
export function aucOf(scores: readonly number[], good: readonly boolean[]): number {
  const of = (kind: boolean) => scores.filter((_, i) => good[i] === kind);
  const [positives, negatives] = [of(true), of(false)];
  let above = 0;
  for (const a of positives) for (const b of negatives) above += a > b ? 1 : a === b ? 0.5 : 0;
  return above / (positives.length * negatives.length);
}

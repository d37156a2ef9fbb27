/**
 * What a draft model says comes next, cut to the likeliest tokens.
 *
 * At temperature 0 that is its softmax. Above, the verifier will draw
 * argmax(z/T + G) with noise G that both know, so the draft ranks by
 * log q + G with the very same G: its candidates are those that the target
 * draws if it agrees with the draft, not those likeliest on average.
 */
import type { Noise } from './noise.ts';

/** Tokens kept of a distribution. */
export const MODEL_TOP = 16;
/** Tokens so much less likely than the best (in nats) are not raced: noise rarely lifts them above it. */
const RACE_SPAN = 12;

export interface ModelDistribution {
  /** Likeliest first. */
  tokens: Int32Array;
  probs: Float32Array;
}

export interface Sampling {
  temperature: number;
  /** The verifier's; null ranks by the plain softmax. */
  noise: Noise | null;
}

/**
 * O(V).
 * @param logits one for each token of `vocabulary`; by default of all, in order
 * @param position absolute, of the token to come
 */
export function distributionOf(
  logits: Float32Array,
  position: number,
  { temperature, noise }: Sampling,
  top = MODEL_TOP,
  vocabulary: Int32Array | null = null,
): ModelDistribution {
  const scale = temperature > 0 ? 1 / temperature : 1;
  let best = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > best) best = logits[i]!;
  const shared = temperature > 0 ? noise : null;
  shared?.at(position);
  const least = best - RACE_SPAN / scale;
  const tokens = new Int32Array(top);
  const scores = new Float32Array(top).fill(Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i]!;
    if (!(logit >= least)) continue;
    const id = vocabulary ? vocabulary[i]! : i;
    const score = (logit - best) * scale + (shared ? shared.gumbel(id) : 0);
    sum += Math.exp(score);
    if (score <= scores[top - 1]!) continue;
    let at = top - 1;
    for (; at > 0 && scores[at - 1]! < score; at--) {
      scores[at] = scores[at - 1]!;
      tokens[at] = tokens[at - 1]!;
    }
    scores[at] = score;
    tokens[at] = id;
  }
  const kept = scores.indexOf(Number.NEGATIVE_INFINITY);
  const count = kept < 0 ? top : kept;
  return {
    tokens: tokens.subarray(0, count),
    probs: scores.subarray(0, count).map((score) => Math.exp(score) / sum),
  };
}

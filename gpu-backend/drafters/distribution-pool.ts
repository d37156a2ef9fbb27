/**
 * What several networks say as one distribution: the product of their probabilities,
 * each to the power of a weight (logarithmic pooling), over the tokens that any of them
 * names. The weights are learned from the tokens that come, by gradient on their log
 * loss, as lpaq's mixers learn.
 */
import type { ModelDistribution } from '../../src/draft/model-distribution.ts';

const LEARNING_RATE = 0.1;
/** Initial sum of squared gradients (AdaGrad). */
const FIRST_ENERGY = 1;
/** What a network leaves to tokens that it does not name is divided among so many. */
const UNNAMED = 200;
/** The least probability that a network gives to a token that another one names. */
const LEAST = 1e-8;

interface Pooled {
  tokens: number[];
  probs: number[];
  /** By network, of each token. */
  logs: number[][];
}

export class DistributionPool {
  private readonly weights: Float64Array;
  private readonly energy: Float64Array;

  constructor(networks: number) {
    this.weights = new Float64Array(networks).fill(1 / networks);
    this.energy = new Float64Array(networks).fill(FIRST_ENERGY);
  }

  /**
   * The `most` likeliest tokens. Of a network that has said nothing the others have the
   * weight. O(tokens named · networks).
   */
  mix(said: readonly (ModelDistribution | null)[], most: number): ModelDistribution {
    const weightOf = (has: (one: ModelDistribution | null) => boolean) =>
      this.weights.reduce((sum, weight, i) => sum + (has(said[i]!) ? weight : 0), 0);
    const heard = weightOf((one) => one !== null);
    const scale = heard > 0 ? weightOf(() => true) / heard : 0;
    const { tokens, probs } = this.pool(said, scale);
    const best = tokens
      .map((token, i) => [token, probs[i]!] as const)
      .sort(([a, p], [b, q]) => q - p || a - b)
      .slice(0, most);
    return {
      tokens: Int32Array.from(best, ([token]) => token),
      probs: Float32Array.from(best, ([, prob]) => prob),
    };
  }

  /** `token` came where they said this. Nothing is learned where one said nothing, or none named the token. */
  learn(said: readonly (ModelDistribution | null)[], token: number): void {
    if (said.includes(null)) return;
    const { tokens, probs, logs } = this.pool(said, 1);
    const right = tokens.indexOf(token);
    if (right < 0) return;
    for (const [i, own] of logs.entries()) {
      const expected = own.reduce((sum, log, k) => sum + probs[k]! * log, 0);
      const gradient = own[right]! - expected;
      this.energy[i]! += gradient * gradient;
      const weight = this.weights[i]! + (LEARNING_RATE * gradient) / Math.sqrt(this.energy[i]!);
      // A network that is wrong counts for nothing, not for the opposite.
      this.weights[i] = Math.max(0, weight);
    }
  }

  private pool(said: readonly (ModelDistribution | null)[], scale: number): Pooled {
    const tokens = [...new Set(said.flatMap((one) => (one ? [...one.tokens] : [])))];
    const logs = said.map((one) => (one ? logsOf(one, tokens) : tokens.map(() => 0)));
    const scores = tokens.map((_, k) =>
      logs.reduce((sum, own, i) => sum + scale * this.weights[i]! * own[k]!, 0),
    );
    const best = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - best));
    const sum = powers.reduce((a, b) => a + b, 0);
    return { tokens, probs: powers.map((power) => power / sum), logs };
  }
}

function logsOf({ tokens, probs }: ModelDistribution, wanted: readonly number[]): number[] {
  const named = new Map<number, number>();
  let left = 1;
  for (const [i, token] of tokens.entries()) {
    named.set(token, probs[i]!);
    left -= probs[i]!;
  }
  const unnamed = Math.max(LEAST, Math.min(left / UNNAMED, ...probs));
  return wanted.map((token) => Math.log(named.get(token) ?? unnamed));
}

/**
 * What several networks say as one distribution: the product of their probabilities,
 * each to the power of a weight (logarithmic pooling), over the tokens that any of them
 * names. The weights are learned from the tokens that come, by gradient on their log
 * loss, as lpaq's mixers learn, and apart for each set of networks that speak together.
 */
import type { ModelDistribution } from '../../src/draft/model-distribution.ts';

const LEARNING_RATE = 0.1;
/** Initial sum of squared gradients (AdaGrad). */
const FIRST_ENERGY = 1;
/** What a network leaves to tokens that it does not name is divided among so many. */
const UNNAMED = 200;
/** The least probability that a network gives to a token that another one names. */
const LEAST = 1e-8;

/** How far to trust each of those that have spoken: it depends on who else has. */
interface Shares {
  weights: Float64Array;
  /** Sums of squared gradients, by network. */
  energy: Float64Array;
}

interface Pooled {
  tokens: number[];
  probs: number[];
  /** By network that has spoken, of each token. */
  logs: number[][];
}

export class DistributionPool {
  /** By which networks have spoken, as bits. */
  private readonly shares = new Map<number, Shares>();

  /** The `most` likeliest tokens. O(tokens named · networks). */
  mix(said: readonly (ModelDistribution | null)[], most: number): ModelDistribution {
    const { tokens, probs } = pool(said, this.sharesOf(said));
    const best = tokens
      .map((token, i) => [token, probs[i]!] as const)
      .sort(([a, p], [b, q]) => q - p || a - b)
      .slice(0, most);
    return {
      tokens: Int32Array.from(best, ([token]) => token),
      probs: Float32Array.from(best, ([, prob]) => prob),
    };
  }

  /** `token` came where they said this. Nothing is learned where none named it. */
  learn(said: readonly (ModelDistribution | null)[], token: number): void {
    const shares = this.sharesOf(said);
    const { tokens, probs, logs } = pool(said, shares);
    const right = tokens.indexOf(token);
    if (right < 0) return;
    const { weights, energy } = shares;
    for (const [i, own] of logs.entries()) {
      const expected = own.reduce((sum, log, k) => sum + probs[k]! * log, 0);
      const gradient = own[right]! - expected;
      energy[i]! += gradient * gradient;
      const weight = weights[i]! + (LEARNING_RATE * gradient) / Math.sqrt(energy[i]!);
      // A network that is wrong counts for nothing, not for the opposite.
      weights[i] = Math.max(0, weight);
    }
  }

  private sharesOf(said: readonly (ModelDistribution | null)[]): Shares {
    const who = said.reduce((bits, one, i) => bits | (one ? 1 << i : 0), 0);
    let shares = this.shares.get(who);
    if (!shares) {
      const count = said.filter((one) => one).length;
      shares = {
        weights: new Float64Array(count).fill(1 / count),
        energy: new Float64Array(count).fill(FIRST_ENERGY),
      };
      this.shares.set(who, shares);
    }
    return shares;
  }
}

function pool(said: readonly (ModelDistribution | null)[], { weights }: Shares): Pooled {
  const heard = said.filter((one) => one !== null);
  const tokens = [...new Set(heard.flatMap((one) => [...one.tokens]))];
  const logs = heard.map((one) => logsOf(one, tokens));
  const scores = tokens.map((_, k) => logs.reduce((sum, own, i) => sum + weights[i]! * own[k]!, 0));
  const best = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - best));
  const sum = powers.reduce((a, b) => a + b, 0);
  return { tokens, probs: powers.map((power) => power / sum), logs };
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

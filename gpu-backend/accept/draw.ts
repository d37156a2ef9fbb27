/**
 * The target's own token at a position: argmax over the warped logits plus
 * position-keyed Gumbel noise. A pure function of (logits, seed, position) and,
 * through the processors, of the tokens drawn before: a draft can't influence it.
 */
import { GUMBEL_MAX, GUMBEL_MIN, Noise } from '../../src/draft/noise.ts';
import { argmax, nextFrom } from './largest.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { minReach, type Nucleus, type Warp } from './warp.ts';

export class Draw {
  private readonly warp: Warp;
  private readonly noise: Noise;
  private readonly nucleus: Nucleus;
  private readonly processors: readonly LogitsProcessor[];
  /** What the processors change: the engine's own logits are reported from. */
  private copy = new Float32Array(0);

  constructor(
    warp: Warp,
    seed: readonly [number, number],
    nucleus: Nucleus,
    processors: readonly LogitsProcessor[] = [],
  ) {
    this.warp = warp;
    this.noise = new Noise(seed);
    this.nucleus = nucleus;
    this.processors = processors;
  }

  /**
   * `logits`: float32, one per vocabulary entry. O(V). Ties go to the lowest id.
   * With processors each call must be for the place after the last one's token.
   */
  token(logits: Float32Array, position: number): number {
    const token = this.own(this.processed(logits), position);
    this.commit(token);
    return token;
  }

  /** The logits as the processors leave them, valid until the next call. Without processors, those given. */
  processed(logits: Float32Array): Float32Array {
    if (this.processors.length === 0) return logits;
    if (this.copy.length !== logits.length) this.copy = new Float32Array(logits.length);
    this.copy.set(logits);
    for (const processor of this.processors) processor.apply(this.copy);
    return this.copy;
  }

  /** Tells the processors which token is committed: this draw's own, or another rule's. */
  commit(token: number): void {
    for (const processor of this.processors) processor.advance(token);
  }

  /** Whether one of the processors lets nothing follow. */
  get finished(): boolean {
    return this.processors.some(({ finished }) => finished === true);
  }

  /** One drawn from probabilities that sum to 1, with the noise of the position. O(V). */
  from(probabilities: Float64Array, position: number): number {
    this.noise.at(position);
    let winner = 0;
    let high = -Infinity;
    for (let id = 0; id < probabilities.length; id++) {
      if (probabilities[id] === 0) continue;
      const score = Math.log(probabilities[id]!) + this.noise.gumbel(id);
      if (score > high) {
        high = score;
        winner = id;
      }
    }
    return winner;
  }

  /** The target's own token over processed logits. Commits nothing. */
  own(logits: Float32Array, position: number): number {
    const best = argmax(logits);
    const { temperature, topK, topP } = this.warp;
    if (temperature === 0) return best;
    const max = logits[best]!;
    this.noise.at(position);
    if (topK > 0 || topP < 1) return this.race(this.nucleus.select(logits, max, this.warp), logits);

    // No noise can lift a token from below this line over the most likely one.
    const cut = max - Math.min(temperature * (GUMBEL_MAX - GUMBEL_MIN), minReach(this.warp));
    let winner = best;
    let high = -Infinity;
    for (let id = nextFrom(logits, 0, cut); id >= 0; id = nextFrom(logits, id + 1, cut)) {
      const score = logits[id]! / temperature + this.noise.gumbel(id);
      if (score > high) {
        high = score;
        winner = id;
      }
    }
    return winner;
  }

  private race(ids: Int32Array, logits: Float32Array): number {
    let winner = ids[0]!;
    let high = -Infinity;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      const score = logits[id]! / this.warp.temperature + this.noise.gumbel(id);
      if (score > high) {
        high = score;
        winner = id;
      }
    }
    return winner;
  }
}

/**
 * The target's own token at a position: argmax over the warped logits plus
 * position-keyed Gumbel noise. A pure function of (logits, seed, position) and,
 * through the processors, of the tokens drawn before: a draft can't influence it.
 */
import { GUMBEL_MAX, Noise } from '../../src/draft/noise.ts';
import { argmax } from '../logits/largest.ts';
import { leastBits } from './least-bits.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { minReach, type Nucleus, type Warp } from './warp.ts';

/** Of a score, as a share of it: far above what a sum and a quotient of doubles lose. */
const ROUNDING = 2 ** -40;
/** In place of peaks that are not known: all is one block, which is looked at. */
const ONE_BLOCK = Float32Array.of(Infinity);

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
   * `peaks`: the largest of each of their blocks, where they are known.
   * With processors each call must be for the place after the last one's token.
   */
  token(logits: Float32Array, position: number, peaks?: Float32Array): number {
    const processed = this.processed(logits);
    const token = this.own(processed, position, processed === logits ? peaks : undefined);
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

  /** The target's own token over processed logits, of which `peaks` must be. Commits nothing. */
  own(logits: Float32Array, position: number, peaks?: Float32Array): number {
    const best = argmax(logits, peaks);
    const { temperature, topK, topP } = this.warp;
    if (temperature === 0) return best;
    const max = logits[best]!;
    this.noise.at(position);
    if (topK > 0 || topP < 1) {
      return this.race(this.nucleus.select(logits, max, this.warp, peaks), logits);
    }

    const reached = max / temperature + this.noise.gumbel(best);
    // So near to 0 that noise is nothing, or a row of -Infinity alone.
    if (!Number.isFinite(reached)) return best;
    const floor = reached - ROUNDING * (1 + Math.abs(reached));
    const cut = Math.max((floor - GUMBEL_MAX) * temperature, max - minReach(this.warp));
    return this.raceAll(logits, { floor, cut }, peaks);
  }

  /** The token of the highest score, the first among equals. That score is at least `floor`, and its logit at least `cut`. */
  private raceAll(
    logits: Float32Array,
    { floor, cut }: { floor: number; cut: number },
    peaks: Float32Array = ONE_BLOCK,
  ): number {
    const { noise } = this;
    const { temperature } = this.warp;
    const width = logits.length / peaks.length;
    let winner = 0;
    let high = -Infinity;
    for (let block = 0; block < peaks.length; block++) {
      if (peaks[block]! < cut) continue;
      for (let id = block * width; id < (block + 1) * width; id++) {
        const logit = logits[id]!;
        if (!(logit >= cut)) continue;
        // Logarithms only for those few whose noise may be large enough.
        if (noise.bits(id) < leastBits(floor - logit / temperature)) continue;
        const score = logit / temperature + noise.gumbel(id);
        if (score > high) {
          high = score;
          winner = id;
        }
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

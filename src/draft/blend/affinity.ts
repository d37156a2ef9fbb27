/**
 * Which tokens go with the last ones, though they may never have followed each other:
 * a noun after an article, a digit after a digit. A log-bilinear model (Mnih & Hinton
 * 2007) over hashed tokens. Each has a vector as one that comes, and one as each of the
 * last tokens, by how far back it is. The sum of the latter is what is expected, and a
 * candidate's logit gains its product with that. All of it is learned with the mixer's
 * other weights and lies among them.
 *
 * Cost: O(DIMENSIONS) a candidate.
 */
import { type Evidence, RECENT_TOKENS } from './evidence.ts';

const DIMENSIONS = 8;
/** Vectors of coming tokens, and as many of said ones at all distances. Those that share a row blur each other: half as many rows cost 0.4 %. */
const ROW_BITS = 12;
const RATE = 0.3;
/** AdaGrad's initial sum of squared gradients. */
const ENERGY = 1;
/** Vectors of said tokens begin within this of 0, each elsewhere, and those of coming ones at 0: no candidate is favoured at first. */
const SPREAD = 0.1;

const TABLE_WEIGHTS = DIMENSIONS << ROW_BITS;
/** Weights that the model takes. */
export const AFFINITY_WEIGHTS = 2 * TABLE_WEIGHTS;

export class Affinity {
  private readonly weights: Float32Array;
  private readonly energy: Float32Array;
  private readonly coming: number;
  private readonly said: number;
  /** Where the vectors of the last tokens are. */
  private readonly rows = new Int32Array(RECENT_TOKENS);
  private readonly expected = new Float64Array(DIMENSIONS);
  /** Gradient of what was expected, summed over the candidates. */
  private readonly error = new Float64Array(DIMENSIONS);

  /** `weights` and `energy` are the mixer's; the model's begin at `first`. */
  constructor(first: number, weights: Float32Array, energy: Float32Array) {
    this.weights = weights;
    this.energy = energy;
    this.coming = first;
    this.said = first + TABLE_WEIGHTS;
    const end = first + AFFINITY_WEIGHTS;
    energy.fill(ENERGY, first, end);
    for (let i = this.said; i < end; i++) weights[i] = SPREAD * scattered(i - this.said);
  }

  /** Expects what goes with the last tokens of `evidence`. */
  expect({ recent }: Evidence): void {
    const { expected, rows, weights } = this;
    expected.fill(0);
    for (let back = 0; back < RECENT_TOKENS; back++) {
      const row = this.said + offsetOf(recent[back]! * RECENT_TOKENS + back);
      rows[back] = row;
      for (let i = 0; i < DIMENSIONS; i++) expected[i]! += weights[row + i]!;
    }
    this.error.fill(0);
  }

  /** What the logit of a candidate gains. */
  of(token: number): number {
    const { expected, weights } = this;
    const row = this.coming + offsetOf(token);
    let product = 0;
    for (let i = 0; i < DIMENSIONS; i++) product += expected[i]! * weights[row + i]!;
    return product;
  }

  /** Learns from the gradient of a candidate's logit; `settle` has to follow when all are told. */
  learn(token: number, gradient: number): void {
    const { expected, error, weights } = this;
    const row = this.coming + offsetOf(token);
    for (let i = 0; i < DIMENSIONS; i++) {
      error[i]! += gradient * weights[row + i]!;
      this.step(row + i, gradient * expected[i]!);
    }
  }

  settle(): void {
    const { error, rows } = this;
    for (let back = 0; back < RECENT_TOKENS; back++) {
      for (let i = 0; i < DIMENSIONS; i++) this.step(rows[back]! + i, error[i]!);
    }
  }

  private step(weight: number, gradient: number): void {
    const energy = this.energy[weight]! + gradient * gradient;
    this.energy[weight] = energy;
    this.weights[weight]! += (RATE * gradient) / Math.sqrt(energy);
  }
}

/** Where in its table the vector of `key` begins. */
function offsetOf(key: number): number {
  return DIMENSIONS * (Math.imul(key + 1, 0x9e3779b1) >>> (32 - ROW_BITS));
}

/** Within [−1, 1), the same everywhere: what isolates learn adds up only if they begin alike. */
function scattered(i: number): number {
  return Math.imul(i + 1, 0x9e3779b1) / 2 ** 31;
}

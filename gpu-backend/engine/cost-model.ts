/**
 * What a step takes, as a model of few parameters:
 *
 *   t = runs + Σ_k slope_k · rows in segment k + attention · attended + lane · lanes
 *
 * Each parameter is a guess from the model's shape (`cost-prior.ts`) times a factor
 * that is fitted to every step: an extended Kalman filter on the logarithms of the
 * factors, against the logarithm of the time. So no parameter can become negative
 * and a step with more rows never seems cheaper; a machine that becomes slower as a
 * whole moves all factors alike and quickly, which leaves the sizes of trees alone,
 * while what one factor says against the others moves slowly. One step teaches about
 * all steps, not only about those of its own size.
 */

/** What a run of the graph computes. */
export interface RunLoad {
  /** Rows through the linear layers, padding included. */
  rows: number;
  /** Σ over lanes of rows × rows of the cache that attention reads for each. */
  attended: number;
  /** Lanes, each with operators of its own. */
  lanes: number;
}

/** What runs are expected to take, in milliseconds. */
export interface RunCosts {
  expected(load: RunLoad): number;
}

/** Where the segments of rows begin: the cost of a row may differ between them. */
const KNOTS = [0, 8, 32, 128] as const;
const RUN = 0;
const FIRST_SLOPE = 1;
const ATTENTION = FIRST_SLOPE + KNOTS.length;
const LANE = ATTENTION + 1;
const SIZE = LANE + 1;

/** Milliseconds of each part, as guessed from the model's shape. */
export interface CostPrior {
  /** A run by itself: reading the weights once. */
  run: number;
  row: number;
  /** One row that attends to one row of a cache. */
  attended: number;
  lane: number;
}

/** Standard deviations of the logarithms before anything was measured: of all factors together, of the rows' together, of each. */
const SCALE_DEVIATION = 0.3;
const ROWS_DEVIATION = 0.7;
const OWN_DEVIATION = 0.4;
/** What the machine may change from one step to the next: all factors together, and each. */
const SCALE_DRIFT = 0.03;
const OWN_DRIFT = 0.005;
/** Standard deviation of the logarithm of a step's time. */
const NOISE = 0.15;
/** A step further from what was expected than so many deviations counts as if it were there: a hiccup. */
const CLIP = 2.5;
/**
 * A row's share of a run is at least so much of what the model's shape says.
 * Measurements that say it were free are of a machine that was busy with other things.
 */
const LEAST_ROW_SHARE = 1 / 8;

export class CostModel implements RunCosts {
  /** Milliseconds by parameter. */
  private readonly prior: Float64Array;
  /** Logarithms of the factors, and their covariance, [SIZE, SIZE]. */
  private readonly logs = new Float64Array(SIZE);
  private readonly covariance: Float64Array;
  /** Variances before anything was measured: what is not seen for long is known no worse. */
  private readonly widest: Float64Array;
  private readonly parts = new Float64Array(SIZE);
  private measured = false;

  constructor({ run, row, attended, lane }: CostPrior) {
    this.prior = Float64Array.of(run, ...KNOTS.map(() => row), attended, lane);
    this.covariance = shared(0, SIZE, SCALE_DEVIATION ** 2);
    addTo(this.covariance, shared(FIRST_SLOPE, ATTENTION, ROWS_DEVIATION ** 2));
    for (let i = 0; i < SIZE; i++) this.covariance[i * SIZE + i]! += OWN_DEVIATION ** 2;
    this.widest = Float64Array.from({ length: SIZE }, (_, i) => this.covariance[i * SIZE + i]!);
  }

  /** Expected milliseconds of one run. */
  expected(load: RunLoad): number {
    return this.split(load);
  }

  /** Takes in what a run took. O(1). */
  observe(load: RunLoad, milliseconds: number): void {
    const expected = this.split(load);
    const error = Math.log(Math.max(milliseconds, 1e-6) / expected);
    if (!this.measured) {
      // How fast the machine is nobody can guess; how its times relate one can.
      this.measured = true;
      for (let i = 0; i < SIZE; i++) this.prior[i]! *= milliseconds / expected;
      return;
    }
    this.drift();
    const share = this.parts.map((part) => part / expected);
    const gain = new Float64Array(SIZE);
    let variance = NOISE ** 2;
    for (let i = 0; i < SIZE; i++) {
      for (let j = 0; j < SIZE; j++) gain[i]! += this.covariance[i * SIZE + j]! * share[j]!;
      variance += share[i]! * gain[i]!;
    }
    const most = CLIP * Math.sqrt(variance);
    const clipped = Math.max(-most, Math.min(most, error));
    for (let i = 0; i < SIZE; i++) {
      this.logs[i]! += (gain[i]! / variance) * clipped;
      for (let j = 0; j < SIZE; j++) {
        this.covariance[i * SIZE + j]! -= (gain[i]! * gain[j]!) / variance;
      }
    }
    const least = this.logs[RUN]! + Math.log(LEAST_ROW_SHARE);
    for (let i = FIRST_SLOPE; i < ATTENTION; i++) this.logs[i] = Math.max(this.logs[i]!, least);
  }

  /** Fills `parts`; their sum. */
  private split({ rows, attended, lanes }: RunLoad): number {
    const { parts, prior, logs } = this;
    parts[RUN] = 1;
    for (let k = 0; k < KNOTS.length; k++) {
      const end = KNOTS[k + 1] ?? Number.POSITIVE_INFINITY;
      parts[FIRST_SLOPE + k] = Math.max(0, Math.min(rows, end) - KNOTS[k]!);
    }
    parts[ATTENTION] = attended;
    parts[LANE] = lanes;
    let sum = 0;
    for (let i = 0; i < SIZE; i++) {
      parts[i]! *= prior[i]! * Math.exp(logs[i]!);
      sum += parts[i]!;
    }
    return sum;
  }

  private drift(): void {
    const { covariance, widest } = this;
    let grown = 1;
    for (let i = 0; i < SIZE; i++) {
      for (let j = 0; j < SIZE; j++) covariance[i * SIZE + j]! += SCALE_DRIFT ** 2;
      covariance[i * SIZE + i]! += OWN_DRIFT ** 2;
      grown = Math.max(grown, covariance[i * SIZE + i]! / widest[i]!);
    }
    for (let i = 0; i < covariance.length; i++) covariance[i]! /= grown;
  }
}

/** A covariance in which the parameters from `first` to before `end` vary together. */
function shared(first: number, end: number, variance: number): Float64Array {
  const matrix = new Float64Array(SIZE * SIZE);
  for (let i = first; i < end; i++) matrix.fill(variance, i * SIZE + first, i * SIZE + end);
  return matrix;
}

function addTo(matrix: Float64Array, more: Float64Array): void {
  for (let i = 0; i < matrix.length; i++) matrix[i]! += more[i]!;
}

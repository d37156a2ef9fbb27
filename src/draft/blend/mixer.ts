/**
 * Turns the evidence of several stores into one distribution over the next
 * token, and learns from every committed token how far to trust which evidence.
 *
 * A log-linear model: the logit of a candidate is a weighted sum of the
 * logarithms of PPM-C estimates (Moffat 1990), one over the merged counts of all
 * stores and one a store, plus learned corrections for what those formulas
 * leave out: how long the context is, how often it was seen, which store and
 * region it is from, whether it agrees with the session's own, which token it
 * names. One more class stands for "none of the candidates". Normalised, this is
 * the exponentiated-gradient mixture on the log-loss of committed tokens;
 * weights move with AdaGrad steps (Duchi et al. 2011), so rare features learn
 * fast and frequent ones settle.
 *
 * Cost: O(followers + candidates · stores) a distribution, nothing allocated.
 */

import { CandidateTable, MAX_CANDIDATES } from './candidates.ts';
import { type Evidence, MAX_STORES } from './evidence.ts';
import { FeatureLayout } from './features.ts';
import { fastExp, fastLog } from './logarithms.ts';

const LEARNING_RATE = 0.12;
/** The handful of weights that every candidate shares may move faster. */
const SHARED_RATE = 0.24;
/** AdaGrad's initial sum of squared gradients, per feature and for the shared weights. */
const FEATURE_ENERGY = 0.3;
const SHARED_ENERGY = 1;
/** Gradients below this change nothing that shows. */
const MIN_GRADIENT = 1e-3;
/** Logit of "none of the candidates" before anything is learned. */
const NONE_LOGIT = -2;
/** Stands for the logarithm of a store's estimate where it has not seen the token. */
const UNSEEN_LOG = -6;

export class Mixer {
  readonly candidates: CandidateTable;
  /** Probability of each candidate, and after them that of none. Valid until the next `mix`. */
  readonly probs = new Float64Array(MAX_CANDIDATES + 1);
  readonly weights: Float32Array;
  /** Sums of squared gradients, by weight. */
  readonly energy: Float32Array;
  private readonly stores: number;
  private readonly layout: FeatureLayout;
  private last = 0;
  private readonly logs: Float64Array;
  /** The weights that every candidate shares, as the mix at work has them. */
  private readonly shared: Float64Array;

  constructor(stores: number) {
    if (!(stores >= 1 && stores <= MAX_STORES)) {
      throw new RangeError(`a mixer weighs 1 to ${MAX_STORES} stores, not ${stores}`);
    }
    this.stores = stores;
    this.layout = new FeatureLayout(stores);
    this.logs = new Float64Array(MAX_CANDIDATES * (stores + 1));
    this.shared = new Float64Array(stores + 1);
    this.weights = new Float32Array(this.layout.size);
    this.candidates = new CandidateTable(stores, this.layout, this.weights);
    this.energy = new Float32Array(this.layout.size).fill(FEATURE_ENERGY);
    this.weights[this.layout.merged] = 1;
    this.energy.fill(SHARED_ENERGY, this.layout.merged, this.layout.merged + stores + 1);
  }

  /**
   * Fills `candidates` and `probs` for a context that ends with `last`. What is
   * to be learned from has to be mixed with `learning`.
   */
  mix(evidence: Evidence, last: number, learning = false): void {
    const { candidates, probs, stores, weights, logs, layout } = this;
    this.last = last;
    candidates.collect(evidence, learning);
    const { correction, merged, own, size } = candidates;
    let highest = NONE_LOGIT + this.noneLogit(evidence, last);
    probs[size] = highest;
    const width = stores + 1;
    const shared = this.shared;
    let unseen = 0;
    for (let i = 0; i < width; i++) {
      shared[i] = weights[layout.merged + i]!;
      unseen += shared[i]! * UNSEEN_LOG;
    }
    if (learning) logs.fill(UNSEEN_LOG, 0, size * width);
    for (let c = 0; c < size; c++) {
      let logit = correction[c]! + unseen;
      for (let i = 0; i < width; i++) {
        const p = i === 0 ? merged[c]! : own[c * stores + i - 1]!;
        if (p === 0) continue;
        const log = fastLog(p);
        if (learning) logs[c * width + i] = log;
        logit += shared[i]! * (log - UNSEEN_LOG);
      }
      probs[c] = logit;
      if (logit > highest) highest = logit;
    }
    let sum = 0;
    for (let c = 0; c <= size; c++) {
      const e = fastExp(probs[c]! - highest);
      probs[c] = e;
      sum += e;
    }
    for (let c = 0; c <= size; c++) probs[c]! /= sum;
  }

  /** Learns from the token that followed the context mixed last. */
  learn(evidence: Evidence, token: number): void {
    const { candidates, probs, stores, logs, layout } = this;
    const { features, featureCount, size } = candidates;
    const right = candidates.find(token);
    for (let c = 0; c < size; c++) {
      const gradient = (c === right ? 1 : 0) - probs[c]!;
      if (Math.abs(gradient) < MIN_GRADIENT) continue;
      const first = c * layout.perCandidate;
      for (let f = first; f < first + featureCount[c]!; f++) {
        this.step(features[f]!, gradient, LEARNING_RATE);
      }
      const row = c * (stores + 1);
      for (let i = 0; i <= stores; i++) {
        this.step(layout.merged + i, gradient * logs[row + i]!, SHARED_RATE);
      }
    }
    const gradient = (right < 0 ? 1 : 0) - probs[size]!;
    for (let s = 0, row = 0; s < stores; s++) {
      const found = row < evidence.contexts && evidence.store[row] === s;
      this.step(layout.none(s, found ? row : -1, evidence), gradient, LEARNING_RATE);
      while (row < evidence.contexts && evidence.store[row] === s) row++;
    }
    this.step(layout.noneAfter(this.last), gradient, LEARNING_RATE);
  }

  /** Throws unless what was mixed last is a distribution, and no weight is lost. For tests; O(weights). */
  checkIntegrity(): void {
    this.candidates.checkIntegrity();
    let sum = 0;
    for (let c = 0; c <= this.candidates.size; c++) sum += this.probs[c]!;
    if (Math.abs(sum - 1) > 1e-6) throw new Error(`probabilities sum to ${sum}`);
    for (let i = 0; i < this.weights.length; i++) {
      const learned = Number.isFinite(this.weights[i]!) && this.energy[i]! > 0;
      if (!learned)
        throw new Error(`weight ${i} is ${this.weights[i]}, its energy ${this.energy[i]}`);
    }
  }

  private noneLogit(evidence: Evidence, last: number): number {
    const { layout, weights, stores } = this;
    let logit = weights[layout.noneAfter(last)]!;
    for (let s = 0, row = 0; s < stores; s++) {
      const found = row < evidence.contexts && evidence.store[row] === s;
      logit += weights[layout.none(s, found ? row : -1, evidence)]!;
      while (row < evidence.contexts && evidence.store[row] === s) row++;
    }
    return logit;
  }

  private step(weight: number, gradient: number, rate: number): void {
    const energy = this.energy[weight]! + gradient * gradient;
    this.energy[weight] = energy;
    this.weights[weight]! += (rate * gradient) / Math.sqrt(energy);
  }
}

/**
 * The tokens that the evidence names, each once, with its PPM-C estimates and
 * the features that the mixer weighs.
 */
import { CONTEXT_ROWS, type Evidence, MAX_CONTEXTS, MAX_STORES } from './evidence.ts';
import { type FeatureLayout, orderBucket } from './features.ts';
import type { HeardTokens } from './heard-tokens.ts';

/** The most tokens considered at one node; longer contexts name theirs first. */
export const MAX_CANDIDATES = 64;
/** Back-off levels of the merged estimate: contexts of different statistics, over all stores. */
const MAX_LEVELS = MAX_CONTEXTS + 1;
const SLOTS = 4 * MAX_CANDIDATES;
const NO_FEATURE = -1;

export class CandidateTable {
  size = 0;
  readonly token = new Int32Array(MAX_CANDIDATES);
  /** `Source` of the longest context that names the token. */
  readonly source = new Uint8Array(MAX_CANDIDATES);
  /** PPM-C over the counts of all stores together. */
  readonly merged = new Float64Array(MAX_CANDIDATES);
  /** PPM-C of each store alone, 0 where it has not seen the token. */
  readonly own: Float64Array;
  /** Sum of the weights of the candidate's features. */
  readonly correction = new Float64Array(MAX_CANDIDATES);
  /** The features themselves, if they were asked for. */
  readonly features: Int32Array;
  readonly featureCount = new Int32Array(MAX_CANDIDATES);
  private readonly layout: FeatureLayout;
  private readonly weights: Float32Array;
  private recording = false;
  private readonly stores: number;
  private readonly slots = new Int32Array(SLOTS);
  private readonly stamps = new Int32Array(SLOTS);
  private generation = 0;
  /** Order bucket of the longest context of each store that names the token, 0 for none. */
  private readonly orders: Uint8Array;
  /** By context: factors that turn a count into a share of the estimates. */
  private readonly mergedScale = new Float64Array(CONTEXT_ROWS);
  private readonly ownScale = new Float64Array(CONTEXT_ROWS);
  /** Contexts that the merged estimate uses, longest first. */
  private readonly used = new Int32Array(CONTEXT_ROWS);
  private usedCount = 0;
  /** What the merged estimate leaves to tokens that no merged context has. */
  private escape = 1;
  private readonly cursor = new Int32Array(MAX_STORES);
  /** First context of each store, and one past the last. */
  private readonly firstRow = new Int32Array(MAX_STORES + 1);

  /** `weights` are the mixer's, by feature. */
  constructor(stores: number, layout: FeatureLayout, weights: Float32Array) {
    this.stores = stores;
    this.layout = layout;
    this.weights = weights;
    this.own = new Float64Array(MAX_CANDIDATES * stores);
    this.orders = new Uint8Array(MAX_CANDIDATES * stores);
    this.features = new Int32Array(MAX_CANDIDATES * layout.perCandidate);
  }

  /** Index of `token`, or -1. */
  find(token: number): number {
    for (
      let slot = home(token);
      this.stamps[slot] === this.generation;
      slot = (slot + 1) & (SLOTS - 1)
    ) {
      const c = this.slots[slot]!;
      if (this.token[c] === token) return c;
    }
    return -1;
  }

  /** Reads `evidence` anew; only to learn from it, the features have to be recorded. */
  collect(evidence: Evidence, recording: boolean): void {
    this.size = 0;
    this.recording = recording;
    this.generation = (this.generation + 1) | 0;
    this.bound(evidence);
    this.backOffMerged(evidence);
    this.backOffOwn(evidence);
    for (let i = 0; i < this.usedCount; i++) this.read(this.used[i]!, evidence);
    for (let row = 0; row < evidence.contexts; row++) {
      if (evidence.apart[row] === 1) this.read(row, evidence);
    }
    if (this.stores > 1) this.pairUp();
    if (evidence.heard) this.recall(evidence.heard);
  }

  /** Throws unless each candidate is found by its token and estimated by some store. For tests. */
  checkIntegrity(): void {
    for (let c = 0; c < this.size; c++) {
      if (this.find(this.token[c]!) !== c) throw new Error(`candidate ${c} is not found`);
      const own = this.own.subarray(c * this.stores, (c + 1) * this.stores);
      if (!own.some((p) => p > 0)) throw new Error(`no store has seen candidate ${c}`);
      // Contexts that are apart may take the sum of shares above 1.
      if (!(this.merged[c]! >= 0 && Number.isFinite(this.merged[c]!))) {
        throw new Error(`candidate ${c} is estimated ${this.merged[c]}`);
      }
      if (this.featureCount[c]! > this.layout.perCandidate) {
        throw new Error(`candidate ${c} has ${this.featureCount[c]} features`);
      }
    }
  }

  private bound(evidence: Evidence): void {
    let row = 0;
    for (let s = 0; s < this.stores; s++) {
      this.firstRow[s] = row;
      while (row < evidence.contexts && evidence.store[row] === s) row++;
    }
    this.firstRow[this.stores] = row;
  }

  /**
   * Levels of falling context length; at each, the counts of all stores whose
   * context has that length are one. Levels that add no count are skipped. What
   * is left over goes by the contexts that are apart.
   */
  private backOffMerged(evidence: Evidence): void {
    const { cursor, firstRow, stores, mergedScale } = this;
    const { order, shorter, total, distinct } = evidence;
    let length = 0;
    for (let s = 0; s < stores; s++) {
      const first = firstRow[s]!;
      cursor[s] = evidence.apart[first] === 1 ? firstRow[s + 1]! : first;
      if (cursor[s]! < firstRow[s + 1]!) length = Math.max(length, order[cursor[s]!]!);
    }
    mergedScale.fill(0, 0, evidence.contexts);
    this.usedCount = 0;
    let rest = 1;
    let known = 0;
    for (let level = 0; level < MAX_LEVELS && length >= 0; ) {
      let sum = 0;
      let followers = 0;
      let next = -1;
      for (let s = 0; s < stores; s++) {
        const row = cursor[s]!;
        if (row === firstRow[s + 1]) continue;
        const active = order[row]! >= length;
        next = Math.max(next, active ? shorter[row]! : order[row]!);
        if (!active) continue;
        sum += total[row]!;
        followers = Math.max(followers, distinct[row]!);
      }
      // Below a store's last context there may be none: nothing is left over to nothing.
      const fresh = sum > 0 && sum !== known;
      const scale = fresh ? rest / (sum + followers) : 0;
      if (fresh) {
        rest = scale * followers;
        level++;
        known = sum;
      }
      for (let s = 0; s < stores; s++) {
        const row = cursor[s]!;
        if (row === firstRow[s + 1] || order[row]! < length) continue;
        if (scale > 0 && mergedScale[row] === 0) this.used[this.usedCount++] = row;
        mergedScale[row]! += scale;
        if (shorter[row]! >= next) cursor[s] = row + 1;
      }
      length = next;
    }
    this.escape = rest;
  }

  private backOffOwn(evidence: Evidence): void {
    for (let s = 0; s < this.stores; s++) {
      let rest = 1;
      for (let row = this.firstRow[s]!; row < this.firstRow[s + 1]!; row++) {
        const scale = rest / (evidence.total[row]! + evidence.distinct[row]!);
        this.ownScale[row] = scale;
        rest = scale * evidence.distinct[row]!;
      }
    }
  }

  /** Adds the followers of context `row`. */
  private read(row: number, evidence: Evidence): void {
    const { stores, orders, own, merged, layout, weights, correction, recording } = this;
    const { token, count, source, age } = evidence;
    const store = evidence.store[row]!;
    const longest = this.firstRow[store]!;
    const rank = row - longest;
    const bucket = orderBucket(evidence.order[row]!);
    const longestBucket = orderBucket(evidence.order[longest]!);
    const total = evidence.total[row]!;
    const inOwn = this.ownScale[row]!;
    const apart = evidence.apart[row] === 1;
    const inMerged = apart ? this.escape * inOwn : this.mergedScale[row]!;
    const ranked = layout.ranked(store, rank, longestBucket, evidence.total[longest]!);
    const rankedWeight = weights[ranked]!;
    const end = evidence.firstFollower[row + 1]!;
    for (let f = evidence.firstFollower[row]!; f < end; f++) {
      const c = this.entry(token[f]!, source[f]!);
      if (c < 0) continue;
      const seen = count[f]!;
      merged[c]! += inMerged * seen;
      const at = c * stores + store;
      own[at]! += inOwn * seen;
      if (orders[at] !== 0) continue;
      orders[at] = bucket;
      const counted = layout.counted(store, bucket, seen, total);
      const region = layout.region(source[f]!, bucket);
      const aged = age[f]! > 0 ? layout.aged(store, bucket, age[f]!) : NO_FEATURE;
      // The innermost loop of a draft: one sum in place of four calls saves a tenth of it.
      let sum = weights[counted]! + rankedWeight + weights[region]!;
      if (aged !== NO_FEATURE) sum += weights[aged]!;
      correction[c]! += sum;
      if (!recording) continue;
      this.record(c, counted);
      this.record(c, ranked);
      this.record(c, region);
      if (aged !== NO_FEATURE) this.record(c, aged);
    }
  }

  private pairUp(): void {
    const { stores, orders, layout, weights, correction, recording } = this;
    for (let c = 0; c < this.size; c++) {
      const first = orders[c * stores]!;
      let sum = 0;
      for (let s = 1; s < stores; s++) {
        const pair = layout.pair(s, first, orders[c * stores + s]!);
        sum += weights[pair]!;
        if (recording) this.record(c, pair);
      }
      correction[c]! += sum;
    }
  }

  private recall(heard: HeardTokens): void {
    const { stores, orders, layout, token } = this;
    for (let c = 0; c < this.size; c++) {
      const place = heard.find(token[c]!);
      const count = place < 0 ? 0 : heard.count(place);
      const age = place < 0 ? 0 : heard.age(place);
      this.mark(c, layout.heard(orders[c * stores]!, count, age));
    }
  }

  private mark(c: number, feature: number): void {
    this.correction[c]! += this.weights[feature]!;
    if (this.recording) this.record(c, feature);
  }

  private record(c: number, feature: number): void {
    this.features[c * this.layout.perCandidate + this.featureCount[c]!++] = feature;
  }

  /** The entry for `token`, made if there is room; else -1. */
  private entry(token: number, source: number): number {
    const { stores, slots, stamps, generation } = this;
    let slot = home(token);
    for (; stamps[slot] === generation; slot = (slot + 1) & (SLOTS - 1)) {
      const c = slots[slot]!;
      if (this.token[c] === token) return c;
    }
    if (this.size === MAX_CANDIDATES) return -1;
    const c = this.size++;
    stamps[slot] = generation;
    slots[slot] = c;
    this.token[c] = token;
    this.source[c] = source;
    this.merged[c] = 0;
    for (let s = c * stores; s < (c + 1) * stores; s++) {
      this.own[s] = 0;
      this.orders[s] = 0;
    }
    this.correction[c] = 0;
    this.featureCount[c] = 0;
    this.mark(c, this.layout.token(token));
    return c;
  }
}

function home(token: number): number {
  return (Math.imul(token + 1, 0x9e3779b1) >>> 20) & (SLOTS - 1);
}

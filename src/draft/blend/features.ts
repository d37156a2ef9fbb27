/**
 * Where each learned correction sits in the weight vector. A feature is "this
 * candidate, seen by this store in a context of about this length, this often":
 * buckets fine where counts are small, since one sighting and two differ more
 * than ten and twenty.
 */

import { SOURCE_NAMES } from '../source.ts';
import { type Evidence, MAX_CONTEXTS } from './evidence.ts';

const ORDER_BUCKETS = 12;
/** Of the empty context; 0 is of no context at all. */
const EMPTY_ORDER = ORDER_BUCKETS - 1;
const COUNT_BUCKETS = 7;
const REST_BUCKETS = 7;
const RANKS = MAX_CONTEXTS + 1;
const TOTALS = 4;
const AGE_BUCKETS = 16;
const HEARD_COUNTS = 4;
/** Rows of the hashed per-token tables. Collisions only blur a correction. */
const TOKEN_ROWS = 4096;

/** 1…5, 6–7, 8–10, 11–15, 16–30, more, none. */
export function orderBucket(order: number): number {
  if (order === 0) return EMPTY_ORDER;
  if (order <= 5) return order;
  if (order <= 7) return 6;
  if (order <= 10) return 7;
  if (order <= 15) return 8;
  return order <= 30 ? 9 : 10;
}

/** 0…3, 4–6, 7–15, more. */
function countBucket(count: number): number {
  if (count <= 3) return count | 0;
  if (count <= 6) return 4;
  return count <= 15 ? 5 : 6;
}

/** 0…2, 3–5, 6–15, 16–63, more: occurrences that something else followed. */
function restBucket(count: number): number {
  if (count <= 2) return count | 0;
  if (count <= 5) return 3;
  if (count <= 15) return 4;
  return count <= 63 ? 5 : 6;
}

/** 0 for unknown or never, then 1, 2–3, 4–7, …: how often a thing comes again falls by the logarithm. */
function ageBucket(age: number): number {
  return Math.min(AGE_BUCKETS - 1, 32 - Math.clz32(age));
}

function tokenRow(token: number): number {
  const h = Math.imul(token + 1, 0x9e3779b1);
  return (h ^ (h >>> 15)) & (TOKEN_ROWS - 1);
}

export class FeatureLayout {
  /** Logarithm of the merged estimate, then of each store's own. */
  readonly merged = 0;
  readonly size: number;
  /** The most features one candidate has. */
  readonly perCandidate: number;
  private readonly counts: number;
  private readonly ranks: number;
  private readonly ages: number;
  private readonly heards: number;
  private readonly regions: number;
  private readonly pairs: number;
  private readonly tokens: number;
  private readonly nones: number;
  private readonly nonesAfter: number;

  constructor(stores: number) {
    this.counts = stores + 1;
    this.ranks = this.counts + stores * ORDER_BUCKETS * COUNT_BUCKETS * REST_BUCKETS;
    this.ages = this.ranks + stores * RANKS * ORDER_BUCKETS * TOTALS;
    this.heards = this.ages + stores * ORDER_BUCKETS * AGE_BUCKETS;
    this.regions = this.heards + ORDER_BUCKETS * HEARD_COUNTS * AGE_BUCKETS;
    this.pairs = this.regions + SOURCE_NAMES.length * ORDER_BUCKETS;
    this.tokens = this.pairs + stores * ORDER_BUCKETS * ORDER_BUCKETS;
    this.nones = this.tokens + TOKEN_ROWS;
    this.nonesAfter = this.nones + stores * ORDER_BUCKETS * TOTALS * REST_BUCKETS;
    this.size = this.nonesAfter + TOKEN_ROWS;
    this.perCandidate = 5 * stores + 1;
  }

  /** The store saw the token `count` of `total` times, in a context of bucket `order`. */
  counted(store: number, order: number, count: number, total: number): number {
    const at = (store * ORDER_BUCKETS + order) * COUNT_BUCKETS + countBucket(count);
    return this.counts + at * REST_BUCKETS + restBucket(total - count);
  }

  /** It was the store's `rank`-th longest context that had the token; the longest is of bucket `longest`. */
  ranked(store: number, rank: number, longest: number, total: number): number {
    const at = (store * RANKS + rank) * ORDER_BUCKETS + longest;
    return this.ranks + at * TOTALS + Math.min(TOTALS, total | 0) - 1;
  }

  /** The store saw the token `age` tokens ago, in a context of bucket `order`. */
  aged(store: number, order: number, age: number): number {
    return this.ages + (store * ORDER_BUCKETS + order) * AGE_BUCKETS + ageBucket(age);
  }

  /** The session said the token `count` times, `age` tokens ago, whatever came before it; the first store has it in a context of bucket `order`. */
  heard(order: number, count: number, age: number): number {
    const at = order * HEARD_COUNTS + Math.min(HEARD_COUNTS - 1, count);
    return this.heards + at * AGE_BUCKETS + ageBucket(age);
  }

  /** The token was found in a region of this source. */
  region(source: number, order: number): number {
    return this.regions + source * ORDER_BUCKETS + order;
  }

  /** Order buckets in which store 0 and another one have the token. */
  pair(store: number, first: number, other: number): number {
    return this.pairs + (store * ORDER_BUCKETS + first) * ORDER_BUCKETS + other;
  }

  token(token: number): number {
    return this.tokens + tokenRow(token);
  }

  /** None of the candidates, given the store's longest context (row of `evidence`, or -1). */
  none(store: number, row: number, evidence: Evidence): number {
    const order = row < 0 ? 0 : orderBucket(evidence.order[row]!);
    const distinct = row < 0 ? 0 : Math.min(TOTALS - 1, evidence.distinct[row]!);
    const total = row < 0 ? 0 : restBucket(evidence.total[row]!);
    const at = (store * ORDER_BUCKETS + order) * TOTALS + distinct;
    return this.nones + at * REST_BUCKETS + total;
  }

  /** None of the candidates, after the token `last`. */
  noneAfter(last: number): number {
    return this.nonesAfter + tokenRow(last);
  }
}

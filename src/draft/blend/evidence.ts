/**
 * What stores say about the next token, as counts: for each context that a store
 * knows, longest first, how often which token followed. Stores write here, the
 * mixer reads; flat arrays that are filled anew for every node of a tree.
 */
import type { Region } from '../drafter.ts';
import type { Source } from '../source.ts';
import type { HeardTokens } from './heard-tokens.ts';

/** Contexts with different statistics that one store contributes to a node, the empty one not counted. */
export const MAX_CONTEXTS = 4;
/** The most frequent followers of a context that are considered. */
export const MAX_FOLLOWERS = 32;
/** Stores that one mixer weighs. */
export const MAX_STORES = 8;

export const CONTEXT_ROWS = MAX_STORES * (MAX_CONTEXTS + 1);
const FOLLOWER_ROWS = CONTEXT_ROWS * MAX_FOLLOWERS;

export class Evidence {
  /** The most frequent followers of a context that are wanted; stores that keep them sorted write no more. */
  wanted = MAX_FOLLOWERS;
  /** Whether followers of the empty context are wanted: tokens that a text says often, each of them improbable here. */
  wantsCommon = true;
  /** What the session has said, whatever came before it; null where nobody keeps it. */
  heard: HeardTokens | null = null;
  /** Contexts in use. Those of one store are adjacent, longest first. */
  contexts = 0;
  /** Number of the store that a context is from. */
  readonly store = new Uint8Array(CONTEXT_ROWS);
  /** Tokens in the longest context with these statistics; 0 of the empty one. */
  readonly order = new Int32Array(CONTEXT_ROWS);
  /** Tokens in the longest context with other statistics, −1 for none: contexts in (shorter, order] are alike. */
  readonly shorter = new Int32Array(CONTEXT_ROWS);
  /** Times that anything followed. */
  readonly total = new Float64Array(CONTEXT_ROWS);
  /** Distinct followers, those beyond `MAX_FOLLOWERS` included. */
  readonly distinct = new Int32Array(CONTEXT_ROWS);
  /** Followers of context i are rows `firstFollower[i]` to before `firstFollower[i + 1]`. */
  readonly firstFollower = new Int32Array(CONTEXT_ROWS + 1);
  readonly token = new Int32Array(FOLLOWER_ROWS);
  readonly count = new Float64Array(FOLLOWER_ROWS);
  readonly source = new Uint8Array(FOLLOWER_ROWS);
  /** Tokens of the store since a follower was seen last, from 1 on; 0 where the store keeps no such order. */
  readonly age = new Int32Array(FOLLOWER_ROWS);
  /** 1 where counts are not of occurrences: the mixer weighs such a context, and merges it with no other. */
  readonly apart = new Uint8Array(CONTEXT_ROWS);
  private followers = 0;

  clear(): void {
    this.contexts = 0;
    this.followers = 0;
  }

  /** Starts a context; its followers come next. Returns its row. */
  open(store: number, order: number, shorter: number, total: number, distinct: number): number {
    const row = this.contexts++;
    this.store[row] = store;
    this.order[row] = order;
    this.shorter[row] = shorter;
    this.total[row] = total;
    this.distinct[row] = distinct;
    this.apart[row] = 0;
    this.firstFollower[row] = this.followers;
    this.firstFollower[row + 1] = this.followers;
    return row;
  }

  /** Takes back the context opened last. */
  drop(): void {
    this.followers = this.firstFollower[--this.contexts]!;
  }

  /** Adds a follower to the context opened last. */
  follower(token: number, count: number, source: Source, age = 0): void {
    const row = this.followers++;
    this.age[row] = age;
    this.token[row] = token;
    this.count[row] = count;
    this.source[row] = source;
    this.firstFollower[this.contexts] = this.followers;
  }

  /** Throws unless contexts are in order and say what they can have seen. For tests; O(followers). */
  checkIntegrity(): void {
    for (let row = 0; row < this.contexts; row++) {
      const [order, shorter] = [this.order[row]!, this.shorter[row]!];
      if (!(shorter >= -1 && shorter < order))
        throw new Error(`context ${row}: ${shorter}…${order}`);
      const after = row > 0 && this.store[row] === this.store[row - 1];
      if (row > 0 && this.store[row]! < this.store[row - 1]!) {
        throw new Error(`context ${row} is of a store that was through`);
      }
      if (after && this.apart[row] === 0 && order > this.shorter[row - 1]!) {
        throw new Error(`context ${row} is not shorter than the one before it`);
      }
      const [from, to] = [this.firstFollower[row]!, this.firstFollower[row + 1]!];
      const tokens = new Set(this.token.subarray(from, to));
      if (this.apart[row] === 0 && tokens.size !== to - from) {
        throw new Error(`context ${row} names a follower twice`);
      }
      let sum = 0;
      for (let f = from; f < to; f++) {
        if (!(this.count[f]! > 0)) throw new Error(`follower ${f} was seen ${this.count[f]} times`);
        if (!(this.age[f]! >= 0)) throw new Error(`follower ${f} comes in ${-this.age[f]!} tokens`);
        sum += this.count[f]!;
      }
      if (this.apart[row] === 0 && sum > this.total[row]! + 1e-9) {
        throw new Error(`context ${row} was followed ${sum} times and says ${this.total[row]}`);
      }
    }
  }
}

/**
 * A store that can be asked along a growing tree. Slot 0 is what is committed;
 * slots above it are nodes, each reached from an earlier slot by one token.
 */
export interface EvidenceStore {
  /** Starts a turn: slot 0 is the end of the prompt. */
  begin(prompt: Int32Array, regions: readonly Region[]): void;
  /** Moves slot 0 along a committed token. */
  advance(token: number): void;
  /** Makes `slot` the place after `token` from slot `from`. */
  follow(from: number, token: number, slot: number): void;
  /** Writes up to `MAX_CONTEXTS` contexts that end at `slot` and perhaps the empty one, under the number `store`. */
  gather(slot: number, evidence: Evidence, store: number): void;
  /** Throws unless every invariant holds. For tests. */
  checkIntegrity(): void;
}

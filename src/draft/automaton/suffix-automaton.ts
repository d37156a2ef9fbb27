/**
 * A suffix automaton over token runs, grown online (Blumer et al. 1985; several
 * runs as in Mohri, Moreno & Weinstein 2009). One state stands for all contexts
 * with the same set of end positions, so walking suffix links visits exactly the
 * context orders whose statistics differ: the deduplication of orders that a
 * trie would need a pass for.
 *
 * States and edges are rows of flat arrays. `count` and `lastEnd` are kept exact
 * for contexts of up to `depth + 1` tokens, which bounds the update of an append
 * by `depth + 1` links even in text like "a a a a …". Appending is amortised O(1)
 * besides that; memory is about 70 bytes a token of natural text.
 */
import { EdgeIndex } from './edge-index.ts';
import { grown } from './grown.ts';

/** The empty context. Its link is itself. */
export const ROOT_STATE = 0;
const NONE = -1;

/** Edges of a state searched one by one; any further are found through a hash. */
const LISTED_EDGES = 8;
const INITIAL_STATES = 1024;

export class SuffixAutomaton {
  /** Longest context, in tokens, whose followers are counted exactly. */
  readonly depth: number;
  states = 1;
  /** Tokens appended in all runs. */
  tokens = 0;
  /** Longest context of each state; its shortest is `length[link] + 1`. */
  length = new Int32Array(INITIAL_STATES);
  link = new Int32Array(INITIAL_STATES);
  /** How often the state's contexts occurred. */
  count = new Int32Array(INITIAL_STATES);
  /** Offset of the last token of the latest occurrence. */
  lastEnd = new Int32Array(INITIAL_STATES);
  /** Distinct followers. */
  fanout = new Int32Array(INITIAL_STATES);
  /** Head of the state's list of edges, -1 for none. */
  firstEdge = new Int32Array(INITIAL_STATES);
  edges = 0;
  edgeToken = new Int32Array(2 * INITIAL_STATES);
  edgeTarget = new Int32Array(2 * INITIAL_STATES);
  nextEdge = new Int32Array(2 * INITIAL_STATES);
  /** State of the longest suffix of the current run that is at most `depth` long, and that length. */
  tail = ROOT_STATE;
  tailLength = 0;
  private readonly index = new EdgeIndex();
  private last = ROOT_STATE;
  private counted = ROOT_STATE;
  private countedLength = 0;

  constructor(depth: number) {
    if (!(depth >= 1 && depth <= 1024)) {
      throw new RangeError(`an automaton counts contexts of 1 to 1024 tokens, not ${depth}`);
    }
    this.depth = depth;
    this.firstEdge[ROOT_STATE] = NONE;
  }

  /** Forgets everything; keeps the memory. */
  clear(): void {
    this.states = 1;
    this.edges = 0;
    this.tokens = 0;
    this.count[ROOT_STATE] = 0;
    this.fanout[ROOT_STATE] = 0;
    this.firstEdge[ROOT_STATE] = NONE;
    this.index.clear();
    this.endRun();
  }

  /** Ends the current run: no context or continuation reaches across. */
  endRun(): void {
    this.last = this.tail = this.counted = ROOT_STATE;
    this.tailLength = this.countedLength = 0;
  }

  /** Allocated bytes. */
  get bytes(): number {
    return this.length.length * 24 + this.edgeToken.length * 12 + this.index.bytes;
  }

  append(token: number): void {
    if (token < 0) throw new RangeError(`token ids are not negative: ${token}`);
    const position = this.tokens++;
    this.last = this.extend(this.last, token);
    const length = Math.min(this.countedLength + 1, this.depth + 1);
    let state = this.enter(this.counted, this.countedLength, length, token);
    this.counted = state;
    this.countedLength = length;
    this.count[ROOT_STATE]!++;
    for (; state !== ROOT_STATE; state = this.link[state]!) {
      this.count[state]!++;
      this.lastEnd[state] = position;
    }
    this.tailLength = Math.min(length, this.depth);
    this.tail = this.shorten(this.counted, this.tailLength);
  }

  /** The state after `token` from `state`, or -1. */
  next(state: number, token: number): number {
    const edge = this.edgeOf(state, token);
    return edge < 0 ? NONE : this.edgeTarget[edge]!;
  }

  /**
   * The state that holds the suffix of `length` tokens of a context in `state`.
   * Also repairs a state remembered from before an append that split it.
   */
  shorten(state: number, length: number): number {
    while (state !== ROOT_STATE && this.length[this.link[state]!]! >= length) {
      state = this.link[state]!;
    }
    return state;
  }

  private enter(state: number, length: number, newLength: number, token: number): number {
    const from = this.shorten(state, length);
    return this.shorten(this.next(from, token), newLength);
  }

  private edgeOf(state: number, token: number): number {
    let edge = this.firstEdge[state]!;
    for (let i = 0; i < LISTED_EDGES && edge >= 0; i++) {
      if (this.edgeToken[edge] === token) return edge;
      edge = this.nextEdge[edge]!;
    }
    return edge < 0 ? NONE : this.index.find(state, token, this.edgeToken);
  }

  /** Adds the state of the longest suffix after `token` and returns it. */
  private extend(last: number, token: number): number {
    const known = this.next(last, token);
    if (known >= 0) {
      // Only the first tokens of a run can be known already: the run is a prefix of an earlier one's part.
      return this.length[known] === this.length[last]! + 1 ? known : this.split(last, known, token);
    }
    const state = this.newState(this.length[last]! + 1);
    let from = last;
    let target = NONE;
    for (;;) {
      this.addEdge(from, token, state);
      if (from === ROOT_STATE) break;
      from = this.link[from]!;
      target = this.next(from, token);
      if (target >= 0) break;
    }
    let link = ROOT_STATE;
    if (target >= 0) {
      const exact = this.length[target] === this.length[from]! + 1;
      link = exact ? target : this.split(from, target, token);
    }
    // Only now: the split may have moved the arrays.
    this.link[state] = link;
    return state;
  }

  /** Gives the contexts of `target` that are no longer than `length[from] + 1` a state of their own. */
  private split(from: number, target: number, token: number): number {
    const clone = this.newState(this.length[from]! + 1);
    this.link[clone] = this.link[target]!;
    this.count[clone] = this.count[target]!;
    this.lastEnd[clone] = this.lastEnd[target]!;
    for (let edge = this.firstEdge[target]!; edge >= 0; edge = this.nextEdge[edge]!) {
      this.addEdge(clone, this.edgeToken[edge]!, this.edgeTarget[edge]!);
    }
    this.link[target] = clone;
    for (let state = from; ; state = this.link[state]!) {
      const edge = this.edgeOf(state, token);
      if (edge < 0 || this.edgeTarget[edge] !== target) break;
      this.edgeTarget[edge] = clone;
      if (state === ROOT_STATE) break;
    }
    return clone;
  }

  private newState(length: number): number {
    if (this.states === this.length.length) {
      this.length = grown(this.length);
      this.link = grown(this.link);
      this.count = grown(this.count);
      this.lastEnd = grown(this.lastEnd);
      this.fanout = grown(this.fanout);
      this.firstEdge = grown(this.firstEdge);
    }
    const state = this.states++;
    this.length[state] = length;
    this.count[state] = 0;
    this.fanout[state] = 0;
    this.firstEdge[state] = NONE;
    return state;
  }

  private addEdge(state: number, token: number, target: number): void {
    if (this.edges === this.edgeToken.length) {
      this.edgeToken = grown(this.edgeToken);
      this.edgeTarget = grown(this.edgeTarget);
      this.nextEdge = grown(this.nextEdge);
    }
    const edge = this.edges++;
    this.edgeToken[edge] = token;
    this.edgeTarget[edge] = target;
    const fanout = this.fanout[state]!++;
    if (fanout < LISTED_EDGES) {
      this.nextEdge[edge] = this.firstEdge[state]!;
      this.firstEdge[state] = edge;
      return;
    }
    // Behind the listed ones, so that those stay the ones that are searched.
    let before = this.firstEdge[state]!;
    for (let i = 1; i < LISTED_EDGES; i++) before = this.nextEdge[before]!;
    this.nextEdge[edge] = this.nextEdge[before]!;
    this.nextEdge[before] = edge;
    this.index.insert(state, edge, this.edgeToken);
  }

  /** Throws unless every invariant holds. For tests; O(states + edges). */
  checkIntegrity(): void {
    this.checkCounts();
    this.index.checkIntegrity(this.edgeToken);
    let edges = 0;
    for (let state = 0; state < this.states; state++) {
      const link = this.link[state]!;
      if (state !== ROOT_STATE && !(this.length[link]! < this.length[state]!)) {
        throw new Error(`state ${state} is not longer than its link ${link}`);
      }
      let fanout = 0;
      for (let edge = this.firstEdge[state]!; edge >= 0; edge = this.nextEdge[edge]!) {
        fanout++;
        const target = this.edgeTarget[edge]!;
        if (this.edgeOf(state, this.edgeToken[edge]!) !== edge) {
          throw new Error(`edge ${edge} of state ${state} is not found by its token`);
        }
        if (!(this.length[target]! > this.length[state]!)) {
          throw new Error(`edge ${edge} leads from state ${state} to the shorter ${target}`);
        }
      }
      if (fanout !== this.fanout[state]) {
        throw new Error(`state ${state} has ${fanout} edges and says ${this.fanout[state]}`);
      }
      edges += fanout;
    }
    if (edges !== this.edges) throw new Error(`${edges} edges hang at states, of ${this.edges}`);
  }

  /** A context occurs wherever a longer one that ends with it does, and last when the last of them did. */
  private checkCounts(): void {
    const longer = new Int32Array(this.states);
    for (let state = 1; state < this.states; state++) {
      const link = this.link[state]!;
      // Of contexts beyond the depth only the short ends are counted.
      if (this.length[link]! > this.depth) continue;
      longer[link]! += this.count[state]!;
      if (link !== ROOT_STATE && this.lastEnd[state]! > this.lastEnd[link]!) {
        throw new Error(`state ${state} occurred after its link ${link} did for the last time`);
      }
      if (!(this.count[state]! > 0 && this.lastEnd[state]! < this.tokens)) {
        throw new Error(`state ${state} was seen ${this.count[state]} times`);
      }
    }
    for (let state = 0; state < this.states; state++) {
      if (longer[state]! > this.count[state]!) {
        throw new Error(`state ${state} is seen less often than what ends with it`);
      }
    }
    if (this.count[ROOT_STATE] !== this.tokens)
      throw new Error(`${this.tokens} tokens are not counted`);
  }
}

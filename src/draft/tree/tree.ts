/**
 * The one tree of candidate tokens. Every drafter proposes into it, the wire
 * carries it, the verifier checks it.
 *
 * The root is the last committed token and is not stored: parent `ROOT` means
 * "follows what is committed". Nodes sit in flat arrays, parents before
 * children, so a forward pass can read them in order and a subtree is found in
 * one sweep. Nodes are keyed by (parent, token): inserting a path that is there
 * already walks it, so fusing two trees by their longest common prefixes *is*
 * insertion.
 */
import type { Source } from '../source.ts';

export const ROOT = -1;

/** The most nodes a tree may hold, on the wire and in memory. */
export const MAX_TREE_NODES = 512;

export class TokenTree {
  readonly capacity: number;
  /** Nodes in use. */
  size = 0;
  /** Token id of each node. */
  readonly tokens: Int32Array;
  /** Index of each node's parent, always smaller than its own; `ROOT` at depth 1. */
  readonly parents: Int16Array;
  /** 1 for children of the root. */
  readonly depths: Uint16Array;
  /** Probability that the whole path from the root to here is accepted, in (0, 1]. */
  readonly probs: Float32Array;
  /** `Source` that proposed the node first. */
  readonly sources: Uint8Array;
  private readonly firstChild: Int16Array;
  private readonly nextSibling: Int16Array;
  private rootChild = -1;

  constructor(capacity = MAX_TREE_NODES) {
    if (!(capacity > 0 && capacity <= MAX_TREE_NODES)) {
      throw new RangeError(`a tree holds 1 to ${MAX_TREE_NODES} nodes, not ${capacity}`);
    }
    this.capacity = capacity;
    this.tokens = new Int32Array(capacity);
    this.parents = new Int16Array(capacity);
    this.depths = new Uint16Array(capacity);
    this.probs = new Float32Array(capacity);
    this.sources = new Uint8Array(capacity);
    this.firstChild = new Int16Array(capacity);
    this.nextSibling = new Int16Array(capacity);
  }

  clear(): void {
    this.size = 0;
    this.rootChild = -1;
  }

  /** The child of `parent` that carries `token`, or -1. O(siblings). */
  child(parent: number, token: number): number {
    let node = parent === ROOT ? this.rootChild : this.firstChild[parent]!;
    while (node >= 0 && this.tokens[node] !== token) node = this.nextSibling[node]!;
    return node;
  }

  /** Tokens of the children of `parent`, the most probable path first. O(siblings · log). */
  childTokens(parent: number): number[] {
    const nodes: number[] = [];
    let node = parent === ROOT ? this.rootChild : this.firstChild[parent]!;
    for (; node >= 0; node = this.nextSibling[node]!) nodes.push(node);
    nodes.sort((a, b) => this.probs[b]! - this.probs[a]! || a - b);
    return nodes.map((child) => this.tokens[child]!);
  }

  /**
   * The node for `token` under `parent`, made if it is not there. An existing
   * node keeps the higher of the two probabilities and its first source.
   * Returns -1 when the tree is full.
   */
  add(parent: number, token: number, prob: number, source: Source): number {
    const existing = this.child(parent, token);
    if (existing >= 0) {
      if (prob > this.probs[existing]!) this.probs[existing] = prob;
      return existing;
    }
    if (this.size === this.capacity) return -1;
    const node = this.size++;
    this.tokens[node] = token;
    this.parents[node] = parent;
    this.probs[node] = prob;
    this.sources[node] = source;
    this.firstChild[node] = -1;
    if (parent === ROOT) {
      this.depths[node] = 1;
      this.nextSibling[node] = this.rootChild;
      this.rootChild = node;
    } else {
      this.depths[node] = this.depths[parent]! + 1;
      this.nextSibling[node] = this.firstChild[parent]!;
      this.firstChild[parent] = node;
    }
    return node;
  }

  /** Throws unless every invariant holds. For tests; O(size · siblings). */
  checkIntegrity(): void {
    if (this.size > this.capacity) throw new Error(`size ${this.size} exceeds ${this.capacity}`);
    for (let node = 0; node < this.size; node++) {
      const parent = this.parents[node]!;
      if (parent < ROOT || parent >= node) throw new Error(`node ${node} has parent ${parent}`);
      const depth = parent === ROOT ? 1 : this.depths[parent]! + 1;
      if (this.depths[node] !== depth)
        throw new Error(`node ${node} has depth ${this.depths[node]}`);
      const p = this.probs[node]!;
      if (!(p > 0 && p <= 1)) throw new Error(`node ${node} has probability ${p}`);
      if (this.child(parent, this.tokens[node]!) !== node) {
        throw new Error(`node ${node} is a duplicate sibling or is not linked`);
      }
    }
  }
}

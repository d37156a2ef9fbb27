/**
 * D, the draft model's word as evidence: a trie of what it said comes after the
 * committed text and after nodes that were read to it. Whoever runs the model
 * fills it in while the trees grow; what it has not been asked yet, it leaves to
 * the other stores. So the blend's nodes are read by the model and the model's
 * nodes are followed by the stores, in one tree, and the mixer learns by bucket
 * how far to trust it: the λ of λ·q + (1 − λ)·P.
 */
import type { Evidence, EvidenceStore } from '../blend/evidence.ts';
import {
  distributionOf,
  MODEL_TOP,
  type ModelDistribution,
  type Sampling,
} from '../model-distribution.ts';
import { Source } from '../source.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from '../tree/tree.ts';

/** Counts that stand for probability 1: fine enough for the mixer's buckets. */
const WHOLE = 64;
/** Context lengths under which the two kinds of word are learned apart: the likeliest token, and a shared draw. */
const ORDER = { plain: 1, drawn: 2 } as const;

/** A token that was read to the model, or is being read. */
export interface ModelNode {
  readonly token: number;
  /** null of the one that the committed text ends at. */
  parent: ModelNode | null;
  /** Absolute position of the token that comes after it. */
  readonly position: number;
  readonly children: Map<number, ModelNode>;
  /** Where the model keeps it, whatever the owner numbers places by; -1 for nowhere. */
  row: number;
  /** null until the model has answered. */
  says: ModelDistribution | null;
  /** Whether it says what only some of several networks do that can answer it: it may still be asked about. */
  partly?: boolean;
  /** The same without the verifier's noise, where the target is to be moved by it. */
  word?: ModelDistribution;
}

/** Of the node that the committed text ends at 0. */
export function depthOf({ parent }: ModelNode): number {
  let depth = 0;
  for (let at = parent; at; at = at.parent) depth++;
  return depth;
}

/**
 * Fills in what a model's `logits` say after `node`. O(V).
 * @param wordTokens of its word without the verifier's noise; 0 where that is not wanted
 * @param vocabulary as `distributionOf` has it
 */
export function answerNode(
  node: ModelNode,
  logits: Float32Array,
  sampling: Sampling,
  wordTokens: number,
  vocabulary: Int32Array | null = null,
): void {
  node.says = distributionOf(logits, node.position, sampling, MODEL_TOP, vocabulary);
  if (wordTokens === 0) return;
  const plain = { ...sampling, noise: null };
  node.word = distributionOf(logits, node.position, plain, wordTokens, vocabulary);
}

export interface ModelStoreOptions {
  /** Whether distributions come with the verifier's noise in them; by default they don't. */
  drawn?: boolean;
  /** Whether a node that becomes committed text counts as read, as it does by default; else its word is good until then. */
  keeps?: boolean;
  /** What its tokens are from; by default the worker's draft model. */
  source?: Source;
}

export class ModelStore implements EvidenceStore {
  root: ModelNode = nodeAt(0, null, 0);
  /** Committed tokens that the model has not read. The owner takes them out. */
  readonly unread: number[] = [];
  /** Places of nodes that became committed text, and of those that never will. The owner takes them out. */
  readonly settled: number[] = [];
  readonly released: number[] = [];
  /** Says nothing while it is set: for what would be drafted without the model. */
  silent = false;
  private readonly order: number;
  private readonly source: Source;
  keeps: boolean;
  private readonly slots: (ModelNode | null)[] = new Array(MAX_TREE_NODES + 1).fill(null);

  constructor({ drawn = false, keeps = true, source = Source.draft }: ModelStoreOptions = {}) {
    this.order = drawn ? ORDER.drawn : ORDER.plain;
    this.keeps = keeps;
    this.source = source;
  }

  begin(): void {
    this.release(this.root);
    this.root = nodeAt(0, null, 0);
    this.slots[0] = this.root;
    this.unread.length = 0;
  }

  /** A turn begins after `position` committed tokens. */
  place(position: number): void {
    this.root = nodeAt(this.root.token, null, position);
    this.slots[0] = this.root;
  }

  /** Begins anew after `position` committed tokens, of which the model has `unread` to read. */
  restart(position: number, unread: Int32Array): void {
    this.begin();
    this.place(position);
    for (const token of unread) this.unread.push(token);
  }

  /**
   * Takes out the places of nodes that became committed text. What was read below
   * the root is forgotten with it, as it is in a cache whose rows move when they are committed.
   */
  settle(): number[] {
    const rows = this.settled.splice(0);
    this.released.length = 0;
    if (rows.length > 0 || this.unread.length > 0) this.root.children.clear();
    return rows;
  }

  advance(token: number): void {
    const { root } = this;
    const isKnown = !this.keeps || this.unread.length === 0;
    const child = isKnown ? root.children.get(token) : undefined;
    for (const other of root.children.values()) if (other !== child) this.release(other);
    if (child && this.keeps) {
      this.settled.push(child.row);
      // Else every root of the turn would be kept.
      child.parent = null;
      this.root = child;
    } else {
      this.unread.push(token);
      // What was said of the guess holds until the token is read anew.
      const { says = null, children = new Map() } = child ?? {};
      this.root = { ...nodeAt(token, null, root.position + 1), says, children };
    }
    this.slots[0] = this.root;
  }

  follow(from: number, token: number, slot: number): void {
    this.slots[slot] = this.slots[from]?.children.get(token) ?? null;
  }

  gather(slot: number, evidence: Evidence, store: number): void {
    const says = this.slots[slot]?.says;
    if (!says || this.silent) return;
    const { tokens, probs } = says;
    const row = evidence.open(store, this.order, 0, 0, tokens.length);
    let total = 0;
    for (let i = 0; i < tokens.length; i++) {
      const count = WHOLE * probs[i]!;
      // What rounds to nothing would only take a candidate's place.
      if (count < 0.05) break;
      evidence.follower(tokens[i]!, count, this.source);
      total += count;
    }
    evidence.total[row] = total;
    if (total === 0) evidence.drop();
  }

  /** How likely the model finds `token` after a slot's node, as a share of its favourite; 1 where it has not said. */
  relative(slot: number, token: number): number {
    const says = this.slots[slot]?.says;
    if (!says || says.tokens.length === 0) return 1;
    for (let i = 0; i < says.tokens.length; i++) {
      if (says.tokens[i] === token) return says.probs[i]! / says.probs[0]!;
    }
    return 0;
  }

  /**
   * The likeliest nodes of `tree` that the model was not asked about, at most
   * `most`, none less likely than `least`; made nodes of the trie, parents first.
   */
  ask(tree: TokenTree, most: number, least: number): ModelNode[] {
    const known: (ModelNode | null)[] = [];
    const open: number[] = [];
    for (let node = 0; node < tree.size; node++) {
      const above = this.above(tree, node, known);
      known[node] = above?.children.get(tree.tokens[node]!) ?? null;
      if (!known[node] && tree.probs[node]! >= least) open.push(node);
    }
    // A path is never likelier than its prefix, and of equals the parent has the lower index.
    open.sort((a, b) => tree.probs[b]! - tree.probs[a]! || a - b);
    const asked: ModelNode[] = [];
    for (const node of open.slice(0, most).sort((a, b) => a - b)) {
      const parent = this.above(tree, node, known);
      if (!parent) continue;
      const made = nodeAt(tree.tokens[node]!, parent, parent.position + 1);
      parent.children.set(made.token, made);
      known[node] = made;
      asked.push(made);
    }
    return asked;
  }

  /** Nodes of `tree` that the model was not asked about, or in part, parents first. */
  *open(tree: TokenTree): Generator<number> {
    const read = new Set<number>();
    for (const [node, { partly }] of this.read(tree)) if (!partly) read.add(node);
    for (let node = 0; node < tree.size; node++) if (!read.has(node)) yield node;
  }

  /** A node of `tree` as one of the trie, for the owner to ask about; null where its parent is none. */
  grow(tree: TokenTree, node: number): ModelNode | null {
    const parent = this.find(tree, tree.parents[node]!);
    if (!parent) return null;
    const known = parent.children.get(tree.tokens[node]!);
    if (known?.partly) return known;
    const made = nodeAt(tree.tokens[node]!, parent, parent.position + 1);
    parent.children.set(made.token, made);
    return made;
  }

  /** Whether the whole of the model has answered a node of `tree`. */
  hasAnswered(tree: TokenTree, node: number): boolean {
    const found = this.find(tree, node);
    return !!found?.says && !found.partly;
  }

  /** What the model said comes after a node of `tree`; null where it has not. */
  saidAt(tree: TokenTree, node: number): ModelDistribution | null {
    return this.find(tree, node)?.says ?? null;
  }

  /** Nodes of the trie that `tree` has, by their index there; `ROOT` first. */
  *read(tree: TokenTree): Generator<[node: number, read: ModelNode]> {
    yield [ROOT, this.root];
    const known: (ModelNode | null)[] = [];
    for (let node = 0; node < tree.size; node++) {
      const read = this.above(tree, node, known)?.children.get(tree.tokens[node]!) ?? null;
      known[node] = read;
      if (read) yield [node, read];
    }
  }

  checkIntegrity(): void {
    if (this.root.parent) throw new Error('the root is below another node');
    this.checkBelow(this.root);
  }

  private checkBelow(node: ModelNode): void {
    for (const [token, child] of node.children) {
      if (child.token !== token || child.parent?.position !== node.position) {
        throw new Error(`token ${token} leads to ${child.token}, which is of another node`);
      }
      if (child.position !== node.position + 1) {
        throw new Error(`token ${token} is at ${child.position}, below ${node.position}`);
      }
      this.checkBelow(child);
    }
  }

  private find(tree: TokenTree, node: number): ModelNode | null {
    if (node === ROOT) return this.root;
    return this.find(tree, tree.parents[node]!)?.children.get(tree.tokens[node]!) ?? null;
  }

  private above(tree: TokenTree, node: number, known: (ModelNode | null)[]): ModelNode | null {
    const parent = tree.parents[node]!;
    return parent === ROOT ? this.root : known[parent]!;
  }

  private release(node: ModelNode): void {
    if (node.row >= 0) this.released.push(node.row);
    for (const child of node.children.values()) this.release(child);
  }
}

function nodeAt(token: number, parent: ModelNode | null, position: number): ModelNode {
  return { token, parent, position, children: new Map(), row: -1, says: null };
}

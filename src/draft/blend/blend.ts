/**
 * The drafter: asks every store along one growing tree, mixes what they say into
 * one distribution a node, and grows the tree best-first by path probability.
 * Every store follows draft nodes too, so a source continues where another one
 * led.
 *
 * A draft of B nodes costs at most B mixes; most nodes at the rim are never
 * expanded, because their children could hardly enter any more.
 */
import type { Drafter, Region } from '../drafter.ts';
import type { Source } from '../source.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from '../tree/tree.ts';
import { Evidence, type EvidenceStore, MAX_FOLLOWERS } from './evidence.ts';
import { Frontier } from './frontier.ts';
import { HeardTokens } from './heard-tokens.ts';
import { Mixer } from './mixer.ts';

/** Paths less probable than this are not worth a node at any budget. */
const MIN_PROB = 1e-4;
/**
 * Tokens a step that a node's children have to be able to gain for asking about
 * them: at best they are certain, and take the place of the worst that would
 * enter otherwise. Spares most of the work of a draft, and nothing measurable.
 */
const MIN_GAIN = 0.02;
/**
 * Of a node whose children need a share of at least q to enter, about 1 / q can,
 * and by frequency they are among the first ones of some context.
 */
const FOLLOWERS_PER_PLACE = 2;
/** A token that only the empty context has is seldom likelier than one in so many: below so many places none would enter. */
const PLACES_FOR_COMMON = 150;

export class BlendDrafter implements Drafter {
  readonly stores: readonly EvidenceStore[];
  /** Weighs what the stores say. */
  mixer: Mixer;
  private readonly evidence = new Evidence();
  private readonly frontier = new Frontier();
  /** What the session has said. */
  readonly heard = new HeardTokens();
  /** Node of each slot; slot 0 is the root. */
  private readonly nodes = new Int16Array(MAX_TREE_NODES + 1);
  private last = 0;
  /** Path probability below which a candidate is of no use to the draft at work. */
  private least = MIN_PROB;

  /** The first store should be the session's: the mixer relates the others to it. */
  constructor(stores: readonly EvidenceStore[], mixer = new Mixer(stores.length)) {
    this.stores = stores;
    this.mixer = mixer;
    this.evidence.heard = this.heard;
  }

  begin(prompt: Int32Array, regions: readonly Region[]): void {
    for (const store of this.stores) store.begin(prompt, regions);
    this.heard.begin(prompt);
    this.last = prompt.length > 0 ? prompt[prompt.length - 1]! : 0;
  }

  commit(tokens: Int32Array): void {
    for (let i = 0; i < tokens.length; i++) {
      this.teach(tokens[i]!);
      this.advance(tokens[i]!);
    }
  }

  /** Takes in what was committed while nobody drafted. A fifth of the time of `commit`, as nothing is learned of the stores. */
  follow(tokens: Int32Array): void {
    for (let i = 0; i < tokens.length; i++) this.advance(tokens[i]!);
  }

  draft(tree: TokenTree, budget: number, least = MIN_PROB): void {
    const { frontier, nodes, stores } = this;
    this.least = Math.max(least, MIN_PROB);
    frontier.clear(Math.min(budget, tree.capacity - tree.size));
    nodes[0] = ROOT;
    this.expand(0, this.last, 1);
    for (let slot = 1; slot <= MAX_TREE_NODES && frontier.pop(); slot++) {
      const { prob, token, parent } = frontier;
      const before = tree.size;
      const node = tree.add(nodes[parent]!, token, prob, frontier.source as Source);
      if (tree.size === before) frontier.refund();
      nodes[slot] = node;
      if (prob - frontier.floor <= MIN_GAIN) continue;
      for (const store of stores) store.follow(parent, token, slot);
      this.expand(slot, token, prob);
    }
  }

  /** Throws unless every store and what they said last hold together. For tests. */
  checkIntegrity(): void {
    for (const store of this.stores) store.checkIntegrity();
    this.evidence.checkIntegrity();
    this.heard.checkIntegrity();
    this.mixer.checkIntegrity();
    this.frontier.checkIntegrity();
  }

  /** Whether a candidate may follow a slot at all. */
  protected admits(_slot: number, _token: number): boolean {
    return true;
  }

  /** The mixer learns from `token`, which comes after what is committed. */
  protected teach(token: number): void {
    this.evidence.wantsCommon = true;
    this.mix(0, this.last, MAX_FOLLOWERS, true);
    this.mixer.learn(this.evidence, token);
  }

  private advance(token: number): void {
    for (const store of this.stores) store.advance(token);
    this.heard.push(token);
    this.last = token;
  }

  private mix(slot: number, last: number, wanted: number, learning: boolean): void {
    const { evidence, stores } = this;
    evidence.clear();
    evidence.wanted = wanted;
    for (let i = 0; i < stores.length; i++) stores[i]!.gather(slot, evidence, i);
    this.mixer.mix(evidence, last, learning);
  }

  private expand(slot: number, last: number, pathProb: number): void {
    const places = pathProb / Math.max(this.frontier.floor, this.least);
    this.evidence.wantsCommon = places >= PLACES_FOR_COMMON;
    const wanted = Math.min(MAX_FOLLOWERS, Math.ceil(FOLLOWERS_PER_PLACE * places));
    this.mix(slot, last, wanted, false);
    const { candidates, probs } = this.mixer;
    for (let c = 0; c < candidates.size; c++) {
      const prob = pathProb * probs[c]!;
      if (prob < this.least || !this.admits(slot, candidates.token[c]!)) continue;
      this.frontier.push(prob, candidates.token[c]!, slot, candidates.source[c]!);
    }
  }
}

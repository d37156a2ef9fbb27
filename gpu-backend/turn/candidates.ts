/**
 * The trees that may follow what a session has committed: those the worker
 * streamed in, kept as one standing tree that is re-rooted as tokens commit,
 * and the echo's, drawn here from prompt and output when a step begins. Each
 * step verifies the best nodes of both, as many as it is given.
 */

import { MAX_VERIFIED_NODES } from '../../src/draft/tree/budget.ts';
import { fuse } from '../../src/draft/tree/fuse.ts';
import { prune } from '../../src/draft/tree/prune.ts';
import { reroot } from '../../src/draft/tree/reroot.ts';
import { rankNodes, selectBest } from '../../src/draft/tree/select.ts';
import { MAX_TREE_NODES, TokenTree } from '../../src/draft/tree/tree.ts';
import {
  type DraftWord,
  decodeSpans,
  decodeTree,
  FrameError,
  MAX_SPAN_TOKENS,
} from '../../src/link/protocol/index.ts';
import type { LogitsProcessor } from '../accept/logits-processor.ts';
import type { SampledTree } from '../accept/sampled/sampled-tree.ts';
import type { Transfer } from '../accept/transfer.ts';
import type { Seat } from '../drafters/local-drafters.ts';
import type { StepRow } from '../engine/engine.ts';
import type { Turn } from './admit.ts';
import { Without } from './without.ts';

/** Tree frames a worker may have outstanding: a round trip's worth of steps, and a bound on the work a peer can cause. */
export const TREE_CREDIT = 8;

export class Candidates {
  /** What the step in flight verifies. */
  readonly tree = new TokenTree(MAX_VERIFIED_NODES);
  /** Trees that were of no use any more when they came. */
  stale = 0;
  private readonly seat: Seat | null;
  private readonly sampled: SampledTree | null;
  private readonly transfer: Transfer | null;
  /** Whether the turn is drafted for at all. */
  readonly isDrafted: boolean;
  private readonly vocabSize: number;
  private readonly lockstep: boolean;
  private standing = new TokenTree();
  private spare = new TokenTree();
  private readonly arrived = new TokenTree();
  /** Those of the turn's processors that can recognise a node that won't be drawn. */
  private readonly pruning: readonly LogitsProcessor[];
  /** Those that draft themselves. */
  private readonly extending: readonly LogitsProcessor[];
  private readonly ruledOut = new Uint8Array(MAX_TREE_NODES);
  /** Path probabilities of what is proposed. */
  private readonly falling = new Float64Array(MAX_VERIFIED_NODES);
  private proposed: TokenTree;
  /** What `propose` would have returned without a network's words; null where it said none. Sizing changes it in place. */
  probsWithout: Float64Array | null = null;
  /** Trees taken in since credit was last returned. */
  private taken = 0;
  /** Tokens of all spans so far. */
  private spanTokens = 0;
  /** null where no network is asked, or what it says moves the target. */
  private readonly without: Without | null;
  /** Base of the newest tree. */
  private newestBase = -1;

  /**
   * @param seat drafts beside the engine; null in modes without one
   * @param sampled draws what a step verifies from what is proposed; null takes the best
   * @param transfer told what the draft model said of a tree's nodes; null where nothing moves the target
   */
  constructor(
    turn: Turn,
    seat: Seat | null,
    vocabSize: number,
    processors: readonly LogitsProcessor[] = [],
    sampled: SampledTree | null = null,
    transfer: Transfer | null = null,
  ) {
    this.sampled = sampled;
    this.transfer = transfer;
    this.pruning = processors.filter(({ ruleOut }) => ruleOut);
    this.extending = processors.filter(({ extend }) => extend);
    this.vocabSize = vocabSize;
    this.proposed = this.spare;
    this.isDrafted = turn.drafting !== 'off';
    this.lockstep = turn.drafting === 'lockstep';
    this.seat = seat;
    const networked = seat?.networked;
    // What moves the target changes what is drawn: there is nothing to compare with.
    this.without = networked && !networked.insists ? new Without(networked) : null;
    const asked = turn.prompt.length - turn.resumed;
    seat?.begin(turn.prompt.subarray(0, asked), turn.regions);
    seat?.commit(turn.prompt.subarray(asked));
  }

  /**
   * Takes in a tree frame. `tokens[0..length)` is what is committed now.
   * Throws `FrameError` when it is malformed or sent beyond the credit.
   */
  receive(bytes: Uint8Array, tokens: Int32Array, length: number): void {
    if (this.taken === TREE_CREDIT) {
      throw new FrameError(`more than ${TREE_CREDIT} trees outstanding; wait for credit`);
    }
    this.taken++;
    const words: DraftWord[] = [];
    const base = decodeTree(bytes, this.arrived, words);
    requireKnown(this.arrived.tokens, this.arrived.size, this.vocabSize);
    for (const { tokens: named } of words) requireKnown(named, named.length, this.vocabSize);
    if (base > length) throw new FrameError(`tree at ${base}, but only ${length} are committed`);
    if (words.length > 0) this.transfer?.learn(this.arrived, base, words);
    const { arrived, spare } = this;
    if (!this.isDrafted || !reroot(arrived, tokens.subarray(base, length), spare)) {
      this.stale++;
      return;
    }
    if (spare.size === 0) this.stale++;
    this.newestBase = Math.max(this.newestBase, base);
    // The newest knows most: when the arena is full, the older one's leaves are left out.
    fuse(spare, this.standing);
    this.swap();
  }

  /** Takes in a spans frame. Throws `FrameError` when it is malformed or beyond the limit of a turn. */
  receiveSpans(bytes: Uint8Array): void {
    const spans = decodeSpans(bytes);
    for (const { tokens } of spans) {
      requireKnown(tokens, tokens.length, this.vocabSize);
      this.spanTokens += tokens.length;
    }
    if (this.spanTokens > MAX_SPAN_TOKENS) {
      throw new FrameError(
        `spans of ${this.spanTokens} tokens in a turn; at most ${MAX_SPAN_TOKENS}`,
      );
    }
    this.seat?.learn(spans);
  }

  /**
   * Whether a step can begin with `length` tokens committed. Always, but in
   * lockstep, which is there to be compared with: it waits for a tree drawn at
   * exactly this length.
   */
  readyAt(length: number): boolean {
    return !this.lockstep || this.newestBase === length;
  }

  /**
   * Draws the candidates for a step; the path probabilities of the best, at most
   * `most`, in falling order. They stand until the next `choose`.
   * @param least path probability below which a candidate would not be verified
   */
  propose(most: number, least: number): Float64Array {
    const { spare, falling } = this;
    this.proposed = spare;
    spare.clear();
    this.probsWithout = null;
    if (!this.isDrafted || most <= 0) return falling.subarray(0, 0);
    this.probsWithout = this.without?.draw(this.standing, most, least, this.finish) ?? null;
    this.seat?.draft(spare, most, least);
    fuse(spare, this.standing);
    // Between frames the arrived tree's nodes are free.
    this.proposed = this.finish(spare, this.arrived);
    return falling.subarray(0, Math.min(most, rankNodes(this.proposed, falling)));
  }

  /** Makes `tree` the best `count` nodes of those proposed last, or drawn from them, at most as many as there were. */
  choose(count: number): TokenTree {
    if (this.sampled) this.sampled.grow(this.proposed, this.tree, count);
    else if (count > 0) selectBest(this.proposed, this.tree, count);
    else this.tree.clear();
    return this.tree;
  }

  /** `tree` with what the processors draft themselves, and without what can't be drawn; made in `spare` if need be. */
  private readonly finish = (tree: TokenTree, spare: TokenTree): TokenTree => {
    const finished = this.pruned(tree, spare);
    for (const processor of this.extending) processor.extend!(finished);
    return finished;
  };

  /** Without what can't be drawn: it would take the place of what can. */
  private pruned(tree: TokenTree, spare: TokenTree): TokenTree {
    if (this.pruning.length === 0) return tree;
    this.ruledOut.fill(0);
    for (const processor of this.pruning) processor.ruleOut!(tree, this.ruledOut);
    prune(tree, this.ruledOut, spare);
    return spare;
  }

  /**
   * What was committed: the standing tree loses what it rules out.
   * @param wasDrafted whether candidates were drawn for the step
   */
  commit(tokens: Int32Array, wasDrafted: boolean): void {
    if (!this.isDrafted) return;
    if (wasDrafted) this.seat?.commit(tokens);
    else this.seat?.follow(tokens);
    reroot(this.standing, tokens, this.spare);
    this.swap();
  }

  /**
   * Of `tokens`, which the step in flight committed, how many it owes to a network.
   * @param nodes that would have been verified without one
   */
  owedToNetwork(tokens: Int32Array, nodes: number): number {
    return this.without?.owed(tokens, this.tree, nodes) ?? 0;
  }

  /** Whether the successors of verified tokens are drafted from. */
  get recycles(): boolean {
    return this.seat?.recycles ?? false;
  }

  /** What the target found likeliest after each token that the step verified. After `commit`: nothing learns from its own answer. */
  observe(row: StepRow): void {
    const { topIds, top } = row;
    if (!this.seat || !topIds || !top) return;
    // Rows of prompt tokens follow those of the tree.
    for (let i = 0; i <= this.tree.size; i++) {
      const successors = topIds.subarray(i * top, (i + 1) * top);
      this.seat.observe(row.tokens[i]!, successors);
    }
  }

  /** Credit to return: tree frames taken in since the last call. */
  takeCredit(): number {
    const credit = this.taken;
    this.taken = 0;
    return credit;
  }

  private swap(): void {
    [this.standing, this.spare] = [this.spare, this.standing];
  }
}

/** A token the model doesn't have would fail the whole batch's run, other tenants' turns with it. */
function requireKnown(tokens: Int32Array, count: number, vocabSize: number): void {
  for (let i = 0; i < count; i++) {
    if (tokens[i]! >= vocabSize) {
      throw new FrameError(`token ${tokens[i]}; the vocabulary has ${vocabSize}`);
    }
  }
}

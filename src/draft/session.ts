/**
 * L, the session's own store: an automaton over the prompt and the answer so
 * far, which is where a grounded answer's next tokens mostly stand already.
 *
 * Each node's followers come from up to four contexts, longest first, backed off
 * as in PPM-C (Moffat 1990): P_m(t) = (c(t) + u·P_{m−1}(t)) / (N + u), with N
 * followers of u distinct tokens. The tree grows best-first by path probability.
 */
import type { Drafter, Region } from './drafter.ts';
import { Frontier } from './frontier.ts';
import { Source } from './source.ts';
import { ROOT_STATE, SuffixAutomaton } from './suffix-automaton.ts';
import { Tally } from './tally.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from './tree.ts';

/** Longest context that is matched, in tokens. */
export const MAX_CONTEXT = 31;
/** Contexts with different statistics that one distribution is mixed from. */
export const MAX_ORDERS = 4;
/** The most tokens a session learns, about 10 MB; beyond it, it drafts from what it has. */
export const MAX_SESSION_TOKENS = 1 << 17;
/** Children of one node that may enter the tree. */
const MAX_CHILDREN = 16;
/** Paths less probable than this are not worth a node at any budget. */
const MIN_PROB = 1e-4;

export class SessionDrafter implements Drafter {
  readonly automaton = new SuffixAutomaton(MAX_CONTEXT);
  private origins = new Uint8Array(1024);
  private readonly frontier = new Frontier(MAX_TREE_NODES * MAX_CHILDREN);
  private readonly tally = new Tally();
  private readonly nodes = new Int16Array(MAX_TREE_NODES + 1);
  private readonly states = new Int32Array(MAX_TREE_NODES + 1);
  private readonly lengths = new Int32Array(MAX_TREE_NODES + 1);

  begin(prompt: Int32Array, regions: readonly Region[]): void {
    this.automaton.clear();
    const skipped = Math.max(0, prompt.length - MAX_SESSION_TOKENS);
    let at = skipped;
    for (const { start, end, source } of [...regions].sort((a, b) => a.start - b.start)) {
      if (!(start >= 0 && start <= end && end <= prompt.length)) {
        throw new RangeError(
          `region [${start}, ${end}) is not inside the prompt's ${prompt.length}`,
        );
      }
      if (source === Source.prompt || end <= at) continue;
      this.learn(prompt, at, Math.max(at, start), Source.prompt);
      this.automaton.endRun();
      this.learn(prompt, Math.max(at, start), end, source);
      this.automaton.endRun();
      at = end;
    }
    this.learn(prompt, at, prompt.length, Source.prompt);
  }

  commit(tokens: Int32Array): void {
    this.learn(tokens, 0, tokens.length, Source.output);
  }

  draft(tree: TokenTree, budget: number): void {
    const { automaton, frontier, nodes, states, lengths } = this;
    frontier.clear();
    let slots = 1;
    nodes[0] = ROOT;
    states[0] = automaton.tail;
    lengths[0] = automaton.tailLength;
    this.expand(0, 1);
    const limit = tree.size + budget;
    while (tree.size < limit && frontier.pop()) {
      const { token, parent, prob, source } = frontier;
      const node = tree.add(nodes[parent]!, token, prob, source);
      if (node < 0) return;
      const length = this.follow(states[parent]!, lengths[parent]!, token, slots);
      nodes[slots] = node;
      if (length > 0) this.expand(slots, prob);
      slots++;
    }
  }

  private learn(tokens: Int32Array, start: number, end: number, source: Source): void {
    const { automaton } = this;
    for (let i = start; i < end && automaton.tokens < MAX_SESSION_TOKENS; i++) {
      if (automaton.tokens === this.origins.length) {
        const larger = new Uint8Array(2 * this.origins.length);
        larger.set(this.origins);
        this.origins = larger;
      }
      this.origins[automaton.tokens] = source;
      automaton.append(tokens[i]!);
    }
  }

  /** Writes the longest context after `token` to `slot`; returns its length. Amortised O(1). */
  private follow(state: number, length: number, token: number, slot: number): number {
    const { automaton } = this;
    let target = automaton.next(state, token);
    while (target < 0 && state !== ROOT_STATE) {
      state = automaton.link[state]!;
      length = automaton.length[state]!;
      target = automaton.next(state, token);
    }
    length = target < 0 ? 0 : Math.min(length + 1, automaton.depth);
    this.states[slot] = target < 0 ? ROOT_STATE : automaton.shorten(target, length);
    this.lengths[slot] = length;
    return length;
  }

  /** Puts the followers of `slot` on the frontier. O(followers of up to four contexts). */
  private expand(slot: number, pathProb: number): void {
    const { automaton, tally, origins } = this;
    tally.clear();
    let rest = 1;
    let state = this.states[slot]!;
    for (
      let order = 0;
      order < MAX_ORDERS && state !== ROOT_STATE;
      state = automaton.link[state]!
    ) {
      const distinct = automaton.fanout[state]!;
      if (distinct === 0) continue;
      order++;
      let total = 0;
      for (let edge = automaton.firstEdge[state]!; edge >= 0; edge = automaton.nextEdge[edge]!) {
        total += automaton.count[automaton.edgeTarget[edge]!]!;
      }
      const scale = rest / (total + distinct);
      for (let edge = automaton.firstEdge[state]!; edge >= 0; edge = automaton.nextEdge[edge]!) {
        const target = automaton.edgeTarget[edge]!;
        const origin = origins[automaton.lastEnd[target]!] as Source;
        tally.add(automaton.edgeToken[edge]!, scale * automaton.count[target]!, origin);
      }
      rest = scale * distinct;
    }
    this.pushBest(slot, pathProb);
  }

  /** The most probable `MAX_CHILDREN` of the tally, by repeated selection: tallies are short. */
  private pushBest(slot: number, pathProb: number): void {
    const { tokens, probs, sources, size } = this.tally;
    for (let i = 0; i < size && i < MAX_CHILDREN; i++) {
      let best = 0;
      for (let j = 1; j < size; j++) if (probs[j]! > probs[best]!) best = j;
      const prob = pathProb * probs[best]!;
      if (prob < MIN_PROB) return;
      this.frontier.push(prob, tokens[best]!, slot, sources[best] as Source);
      probs[best] = -1;
    }
  }
}

/**
 * Runs of tokens with an automaton over them, as a store of evidence: one cursor
 * (state and matched length) a slot, contexts along the suffix links. Following a
 * token is amortised O(1), gathering O(followers of up to four contexts).
 *
 * Where no context has a token, the text may still have said it: most of what is not
 * drafted is not new, it only never followed the last token. So the most frequent
 * tokens of all are told too, as followers of the empty context.
 */

import { AutomatonCursor } from '../automaton/automaton-cursor.ts';
import { RunText } from '../automaton/run-text.ts';
import { ROOT_STATE, type SuffixAutomaton } from '../automaton/suffix-automaton.ts';
import { TopFollowers } from '../automaton/top-followers.ts';
import {
  type Evidence,
  type EvidenceStore,
  MAX_CONTEXTS,
  MAX_FOLLOWERS,
} from '../blend/evidence.ts';
import type { Region } from '../drafter.ts';
import type { Source } from '../source.ts';
import { MAX_TREE_NODES } from '../tree/tree.ts';
import { OUTPUT_START } from './output-start.ts';

/** Tokens of a text from which on some of them are common. */
const COMMON_FROM = 64;

export abstract class AutomatonStore implements EvidenceStore {
  readonly automaton: SuffixAutomaton;
  /** What the automaton was grown over. */
  readonly text = new RunText();
  /**
   * Where the longest context at slot 0 occurred last, but for its own occurrence
   * in the answer: position of its last token, and its length; 0 for nowhere.
   */
  lastMatchEnd = -1;
  lastMatchLength = 0;
  protected readonly states = new Int32Array(MAX_TREE_NODES + 1);
  protected readonly lengths = new Int32Array(MAX_TREE_NODES + 1);
  /** Followers told of the empty context. */
  private readonly common: number;
  private readonly top: TopFollowers;
  private readonly cursor: AutomatonCursor;

  constructor(automaton: SuffixAutomaton, common: number) {
    this.automaton = automaton;
    this.common = common;
    this.top = new TopFollowers(automaton);
    this.cursor = new AutomatonCursor(automaton);
  }

  abstract begin(prompt: Int32Array, regions: readonly Region[]): void;

  abstract advance(token: number): void;

  /** Allocated bytes. */
  get bytes(): number {
    return this.automaton.bytes + this.top.bytes + this.text.bytes;
  }

  /** Length of the longest context at `slot`, in tokens. */
  matchLength(slot: number): number {
    return this.lengths[slot]!;
  }

  /** Position of the last token of that context's latest occurrence. */
  matchEnd(slot: number): number {
    return this.automaton.lastEnd[this.states[slot]!]!;
  }

  /** Forgets all tokens; keeps the memory. */
  protected reset(): void {
    this.automaton.clear();
    this.top.clear();
    this.text.clear();
    this.lastMatchLength = 0;
    this.states[0] = ROOT_STATE;
    this.lengths[0] = 0;
  }

  /** Adds a token to the current run. */
  protected append(token: number, source: Source): void {
    this.text.push(token, source);
    this.automaton.append(token);
  }

  protected endRun(): void {
    this.text.endRun();
    this.automaton.endRun();
  }

  /** Moves slot 0 along `token` through what is there, and remembers where that led. */
  protected match(token: number): void {
    this.follow(0, token, 0);
    this.lastMatchLength = this.lengths[0]!;
    this.lastMatchEnd = this.matchEnd(0);
  }

  follow(from: number, token: number, slot: number): void {
    const { cursor, states, lengths } = this;
    cursor.state = states[from]!;
    cursor.length = lengths[from]!;
    cursor.advance(token);
    states[slot] = cursor.state;
    lengths[slot] = cursor.length;
  }

  gather(slot: number, evidence: Evidence, store: number): void {
    const { automaton } = this;
    let order = this.lengths[slot]!;
    let state = automaton.shorten(this.states[slot]!, order);
    let known = 0;
    for (let contexts = 0; contexts < MAX_CONTEXTS && state !== ROOT_STATE; ) {
      const link = automaton.link[state]!;
      const shorter = automaton.length[link]!;
      const distinct = automaton.fanout[state]!;
      if (distinct > 0) {
        const row = evidence.open(store, order, shorter, 0, distinct);
        const total =
          distinct > MAX_FOLLOWERS
            ? this.writeTop(state, evidence)
            : this.writeAll(state, evidence);
        evidence.total[row] = total;
        // A shorter context that has seen no more says nothing new.
        if (total === known) evidence.drop();
        else contexts++;
        known = total;
      }
      state = link;
      order = shorter;
    }
    if (evidence.wantsCommon) this.gatherCommon(evidence, store);
  }

  checkIntegrity(): void {
    this.automaton.checkIntegrity();
    this.text.checkIntegrity();
    this.top.checkIntegrity();
    if (this.text.length !== this.automaton.tokens) {
      throw new Error(
        `${this.text.length} tokens of text, ${this.automaton.tokens} in the automaton`,
      );
    }
    if (this.lastMatchLength > 0 && this.lastMatchEnd >= this.text.length) {
      throw new Error(`matched at ${this.lastMatchEnd}, behind the end of the text`);
    }
  }

  private gatherCommon(evidence: Evidence, store: number): void {
    if (this.automaton.tokens < COMMON_FROM) return;
    const distinct = this.automaton.fanout[ROOT_STATE]!;
    const row = evidence.open(store, 0, -1, 0, distinct);
    const { wanted } = evidence;
    evidence.wanted = Math.min(wanted, this.common);
    evidence.total[row] =
      distinct > MAX_FOLLOWERS
        ? this.writeTop(ROOT_STATE, evidence)
        : this.writeAll(ROOT_STATE, evidence);
    evidence.wanted = wanted;
  }

  private writeAll(state: number, evidence: Evidence): number {
    const { automaton } = this;
    let total = 0;
    for (let edge = automaton.firstEdge[state]!; edge >= 0; edge = automaton.nextEdge[edge]!) {
      const target = automaton.edgeTarget[edge]!;
      const count = automaton.count[target]!;
      const end = automaton.lastEnd[target]!;
      const age = automaton.tokens - end;
      total += count;
      // Only the empty context leads to the beginning of an answer, which is no token.
      if (automaton.edgeToken[edge] === OUTPUT_START) continue;
      evidence.follower(automaton.edgeToken[edge]!, count, this.text.source(end), age);
    }
    return total;
  }

  private writeTop(state: number, evidence: Evidence): number {
    const { automaton, top } = this;
    const at = top.of(state);
    for (let i = at; i < at + evidence.wanted; i++) {
      const edge = top.edges[i]!;
      if (automaton.edgeToken[edge] === OUTPUT_START) continue;
      const target = automaton.edgeTarget[edge]!;
      const end = automaton.lastEnd[target]!;
      evidence.follower(
        automaton.edgeToken[edge]!,
        automaton.count[target]!,
        this.text.source(end),
        automaton.tokens - end,
      );
    }
    return automaton.count[state]!;
  }
}

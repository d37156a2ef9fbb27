/**
 * One turn at the verifier: its slot in the KV cache, what is committed, the
 * trees that may follow, and the rule that accepts. Born with an `open` frame,
 * gone with `done`.
 *
 * Invariant between steps while decoding: the slot holds every committed token
 * but the last, whose logits the next step computes.
 */

import { RECYCLED_SUCCESSORS } from '../../src/draft/stores/recycled-table.ts';
import { MAX_VERIFIED_NODES } from '../../src/draft/tree/budget.ts';
import type { AcceptRuleName, DoneReason, LinkErrorCode } from '../../src/link/protocol/index.ts';
import { processorsOf } from '../accept/processors.ts';
import type { Transfer } from '../accept/transfer.ts';
import { type TurnRule, turnRule } from '../accept/turn-rule.ts';
import { Walk } from '../accept/walk.ts';
import type { Nucleus } from '../accept/warp.ts';
import type { Seat } from '../drafters/local-drafters.ts';
import type { NetworkedTurn } from '../drafters/network.ts';
import type { Engine, Slot, StepRow } from '../engine/engine.ts';
import type { Turn } from './admit.ts';
import { Candidates } from './candidates.ts';
import { logprobsOf } from './logprobs.ts';
import type { Outbox } from './outbox.ts';
import { PromptRows, type RowOffer } from './prompt-rows.ts';
import { fillWithBest, hiddenOf, rowWithRoom } from './tree-row.ts';
import type { Draftable } from './tree-sizing.ts';

/** Tokens that a turn must have left: one that the step commits, one that the next step does in any case. */
const LEAST_FORETOLD = 2;

export class Session implements Draftable {
  readonly slot: Slot;
  /** Its drafter beside the engine; null in modes without one. */
  readonly seat: Seat | null;
  /** Set once the turn is over; the scheduler then frees the slot. */
  ended = false;
  private readonly turn: Turn;
  private readonly engine: Engine;
  private readonly outbox: Outbox;
  private readonly turnRule: TurnRule;
  /** null where nothing moves the target. */
  private readonly transfer: Transfer | null;
  private readonly walk = new Walk(MAX_VERIFIED_NODES + 1);
  private readonly candidates: Candidates;
  /** null where nobody reads what the target says at prompt tokens. */
  readonly promptRows: PromptRows | null;
  /** Prompt and output. */
  private readonly tokens: Int32Array;
  private length: number;
  private readonly row: StepRow;
  /** Whether what the target found likeliest after a token may be drafted from later. */
  private readonly recycles: boolean;
  private caughtUp = false;
  /** Whether candidates were drawn for the step that was prepared last. */
  private wasDrafted = false;
  /** Nodes that the step which was prepared last could verify, whatever they are worth. */
  private mostNodes = MAX_VERIFIED_NODES;
  /** Whether `walk` is of the step that was prepared last. */
  private absorbed = false;
  private steps = 0;
  private drafted = 0;
  private accepted = 0;
  private prefillMicros = 0;

  constructor(
    turn: Turn,
    slot: Slot,
    engine: Engine,
    nucleus: Nucleus,
    outbox: Outbox,
    seat: Seat | null,
  ) {
    this.turn = turn;
    this.slot = slot;
    this.seat = seat;
    this.engine = engine;
    this.outbox = outbox;
    const { all, transfer } = processorsOf(turn);
    const { vocabSize } = engine.limits;
    // Node i of a step's tree is row i + 1.
    const hiddenAt = (node: number) => hiddenOf(this.row, node + 1);
    const setting = { nucleus, vocabSize, processors: all, hiddenAt };
    this.turnRule = turnRule(turn, setting);
    this.candidates = new Candidates(turn, seat, vocabSize, all, this.turnRule.sampled, transfer);
    this.transfer = transfer;
    this.tokens = new Int32Array(turn.prompt.length + turn.maxTokens + 1);
    this.tokens.set(turn.prompt);
    this.length = turn.prompt.length;
    // A smaller vocabulary has not as many to choose from.
    this.recycles = this.candidates.recycles && vocabSize >= RECYCLED_SUCCESSORS;
    const most = Math.max(engine.limits.maxRows, MAX_VERIFIED_NODES + 1);
    this.row = rowWithRoom(slot, most);
    this.promptRows = seat?.prompting ? new PromptRows(seat.prompting, engine.limits) : null;
  }

  /** A tree frame came in. Throws `FrameError` on a malformed one. */
  receiveTree(bytes: Uint8Array): void {
    this.candidates.receive(bytes, this.tokens, this.length);
  }

  /** A spans frame came in. Throws `FrameError` on a malformed one. */
  receiveSpans(bytes: Uint8Array): void {
    this.candidates.receiveSpans(bytes);
  }

  needsPrefill(): boolean {
    return !this.ended && this.slot.length < this.turn.prompt.length - 1;
  }

  canDecode(): boolean {
    return !this.ended && !this.needsPrefill() && !this.waitsForWorker;
  }

  /** Whether nothing can be done until the worker says something: it reads too slowly, or lockstep requires its tree. */
  get waitsForWorker(): boolean {
    return this.outbox.congested || !this.candidates.readyAt(this.length);
  }

  /**
   * The turn is the next to be fed: whoever began with the same prompt before it
   * has computed it by now. False when that was seen to already.
   */
  catchUp(): boolean {
    if (this.caughtUp) return false;
    this.caughtUp = true;
    this.engine.catchUp(this.slot, this.turn.prompt);
    return true;
  }

  /** The next chunk of the prompt, all but its last token: that one begins the first decode step. */
  prefillRow(): StepRow {
    const { row, slot } = this;
    const from = slot.length;
    const { maxRows, prefillRows } = this.engine.limits;
    row.count = Math.min(prefillRows, this.turn.prompt.length - 1 - from, maxRows);
    for (let i = 0; i < row.count; i++) {
      row.tokens[i] = this.tokens[from + i]!;
      row.parents[i] = i - 1;
    }
    // With the states of its last tokens come their logits, which nobody needs: few tokens, so that they cost little.
    const wanted = this.seat?.states?.wanted ?? 0;
    row.logitsFrom = Math.min(row.count, Math.max(0, this.turn.prompt.length - 1 - wanted - from));
    return row;
  }

  absorbPrefill(micros: number): void {
    this.prefillMicros += micros;
    const { row, slot } = this;
    for (let i = row.logitsFrom; i < row.count; i++) this.tellState(slot.length + i, i);
    const chain = Int32Array.from({ length: this.row.count }, (_, i) => i);
    this.engine.commit(this.slot, chain, chain.length);
  }

  get namespace(): string {
    return this.turn.namespace;
  }

  get rule(): AcceptRuleName {
    return this.turn.accept.name;
  }

  get isDrafted(): boolean {
    return this.candidates.isDrafted;
  }

  /** The network beside the engine that is asked for the turn; null where none is. */
  get networked(): NetworkedTurn | null {
    return this.seat?.networked ?? null;
  }

  get outcome(): Draftable['outcome'] {
    return this.absorbed ? { tree: this.candidates.tree, walk: this.walk } : null;
  }

  get probsWithout(): Float64Array | null {
    return this.candidates.probsWithout;
  }

  /**
   * Of the tokens that the last step committed, how many are owed to a network.
   * @param nodes that would have been verified without one
   */
  owedToNetwork(nodes: number): number {
    const tokens = this.walk.tokens.subarray(0, this.walk.count);
    return this.candidates.owedToNetwork(tokens, Math.min(nodes, this.mostNodes));
  }

  /** Tokens that the turn may still commit. */
  private get remaining(): number {
    return this.turn.prompt.length + this.turn.maxTokens - this.length;
  }

  /**
   * Draws the candidates for the next step; their path probabilities in falling order.
   * @param least below which a candidate would not be verified
   */
  propose(least: number): Float64Array {
    const room = this.slot.capacity - this.slot.length - 1;
    // The last token of a turn is the target's own in any case.
    const budget = this.remaining > 1 ? this.turn.budget : 0;
    const most = Math.min(budget, room, this.engine.limits.maxRows - 1);
    return this.candidates.propose(most, least);
  }

  /**
   * The last committed token and the best `nodes` candidates of those proposed for this step.
   * While it rests a session learns successors only where they cost next to nothing.
   * @param offer prices further rows; null where none may be added
   */
  decodeRow(nodes: number, isDrafted: boolean, offer: RowOffer | null = null): StepRow {
    const { row } = this;
    this.absorbed = false;
    this.wasDrafted = isDrafted;
    const learns = this.recycles && (isDrafted || this.engine.limits.quickTop);
    row.top = learns ? RECYCLED_SUCCESSORS : undefined;
    const { exact } = this.engine.limits;
    const last = this.tokens[this.length - 1]!;
    const sampled = this.turnRule.sampled !== null;
    this.mostNodes = fillWithBest(row, last, this.candidates, nodes, { exact, sampled });
    const { networked } = this;
    const { tree } = this.candidates;
    this.promptRows?.add(row, tree, isDrafted && this.remaining > LEAST_FORETOLD ? offer : null);
    if (networked?.insists) this.transfer?.learn(tree, this.length, networked.words(tree));
    return row;
  }

  /** Accepts what the step of `decodeRow` found and reports it to the worker. */
  absorb(stepMicros: number): void {
    if (this.ended) return;
    // Resumed after a complete text, of which only `done` was lost: nothing may follow.
    const { rule, lossy } = this.turnRule;
    if (rule.finished) return this.end('stop');
    const { turn, walk, candidates, transfer } = this;
    const [deviatedBefore, movedBefore] = [lossy?.deviations ?? 0, transfer?.moved ?? 0];
    walk.descend(
      candidates.tree,
      this.row,
      this.engine.limits.vocabSize,
      rule,
      this.length,
      this.remaining,
      turn.stopIds,
    );
    this.absorbed = true;
    const { count } = walk;
    const { row, engine } = this;
    const top = turn.logprobs;
    const logprobs = top === null ? undefined : logprobsOf(row, walk, engine.limits.vocabSize, top);
    engine.commit(this.slot, walk.path, count);
    const tokens = walk.tokens.slice(0, count);
    this.tokens.set(tokens, this.length);
    for (let i = 0; i < count; i++) this.tellState(this.length - 1 + i, walk.path[i]!);
    const drafted = candidates.tree.size;
    this.steps++;
    this.drafted += drafted;
    for (let i = 0; i < count; i++) if (walk.sources[i] !== 0) this.accepted++;
    const deviations = (lossy?.deviations ?? 0) - deviatedBefore;
    const moved = (transfer?.moved ?? 0) - movedBefore;
    this.outbox.accept({
      position: this.length,
      tokens,
      sources: walk.sources.slice(0, count),
      steps: 1,
      drafted,
      credit: candidates.takeCredit(),
      stepMicros,
      ...(logprobs && { logprobs }),
      ...(deviations > 0 && { deviations }),
      ...(moved > 0 && { moved }),
    });
    this.length += count;
    if (walk.stopped) this.end('stop');
    else if (this.remaining === 0) this.end('length');
    else candidates.commit(tokens, this.wasDrafted);
    candidates.observe(row);
    if (!this.ended) this.promptRows?.hear(row, walk.path[count - 1]!);
  }

  /** Tells the seat the state of a row, which holds the token at `position`. */
  private tellState(position: number, row: number): void {
    this.seat?.states?.take(position, hiddenOf(this.row, row));
  }

  end(reason: DoneReason): void {
    if (this.ended) return;
    this.ended = true;
    this.outbox.done({
      reason,
      steps: this.steps,
      drafted: this.drafted,
      accepted: this.accepted,
      prefillMicros: this.prefillMicros,
      stale: this.candidates.stale,
    });
  }

  /** The turn can't continue here; with most codes it may elsewhere. */
  fail(code: LinkErrorCode, message: string, retryAfterMs = 0): void {
    if (this.ended) return;
    this.ended = true;
    this.outbox.error({ code, retryAfterMs, message });
  }

  /** The peer is gone: nothing more is said. */
  abandon(): void {
    this.ended = true;
  }
}

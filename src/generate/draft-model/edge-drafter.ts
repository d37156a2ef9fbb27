/**
 * Runs the draft model beside a turn: reads the context while the target
 * prefills, then, pass after pass, what was committed and the likeliest nodes of
 * the blend's tree that it has no word on yet. After each pass the tree is drawn
 * anew and sent. Between passes the worker's thread is free for what came in.
 */
import type { BlendDrafter } from '../../draft/blend/blend.ts';
import type { Sampling } from '../../draft/model-distribution.ts';
import { answerNode, type ModelNode, type ModelStore } from '../../draft/stores/model-store.ts';
import { TokenTree } from '../../draft/tree/tree.ts';
import { nextTurn } from '../../pause.ts';
import { loggable } from '../../store/loggable.ts';
import { EdgeCache, type EdgeModel, type Reading } from './edge-model.ts';
import type { TurnPayoff } from './payoff.ts';

/** Tokens of the context read in one pass, so that frames wait for a few milliseconds only. */
export const CONTEXT_CHUNK = 64;
/** Nodes read in one pass: so many cost little more than one. */
const PASS_NODES = 8;
/** Passes between two commits: beyond them the tree is far ahead of the target. */
const MAX_PASSES = 8;
/** Paths less likely are not worth a reading: the draft is not sure of them. */
const CONFIDENCE = 0.04;
/** Nodes of the tree that is looked through for what to read. */
const LOOK_NODES = 48;
/** Rows of the cache beside context and answer, for nodes. */
const NODE_ROWS = 512;

export interface EdgeTurn {
  context: Int32Array;
  /** Tokens committed when the turn begins, as the target counts them. */
  position: number;
  /** The most tokens that will be committed. */
  maxTokens: number;
  sampling: Sampling;
  payoff: TurnPayoff;
  /** Keeps what it says without noise too, of so many tokens; 0 doesn't. */
  wordTokens: number;
  /** Goes on where it does not pay. */
  staysUnpaid: boolean;
}

/** Rows of the cache of a turn that is nowhere full. */
export function rowsOfTurn(contextTokens: number, maxTokens: number): number {
  return contextTokens + maxTokens + NODE_ROWS;
}

export class EdgeDrafter {
  passes = 0;
  /** Why it drafts no more, where it does not. */
  ended: 'stopped' | 'hopeless' | 'full' | 'failed' | null = null;
  private readonly cache: EdgeCache;
  private readonly store: ModelStore;
  private readonly drafter: BlendDrafter;
  private readonly turn: EdgeTurn;
  private readonly positions: number;
  private readonly vocabSize: number;
  private readonly tree = new TokenTree(LOOK_NODES);
  /** Tokens that the model has read, as it counts them. */
  private read = 0;
  private running = false;
  private passesHere = 0;
  private grown: () => void = () => {};

  constructor(model: EdgeModel, store: ModelStore, drafter: BlendDrafter, turn: EdgeTurn) {
    const { positions, vocabSize } = model.facts;
    const rows = rowsOfTurn(turn.context.length, turn.maxTokens);
    this.cache = new EdgeCache(model, Math.min(positions, rows));
    this.positions = positions;
    this.vocabSize = vocabSize;
    this.store = store;
    this.drafter = drafter;
    this.turn = turn;
  }

  /** Begins to read; calls back whenever a tree drawn now would know more. The drafter has begun. */
  start(grown: () => void): void {
    this.grown = grown;
    this.store.place(this.turn.position);
    void this.run();
  }

  /** The target has committed; the drafter knows. */
  committed(own: number, steps: number, ms: number): void {
    this.turn.payoff.commit(own, steps, ms);
    this.passesHere = 0;
    void this.run();
  }

  stop(): void {
    this.end('stopped');
  }

  private end(why: NonNullable<EdgeDrafter['ended']>): void {
    if (this.ended) return;
    this.ended = why;
    this.turn.payoff.end();
  }

  private async run(): Promise<void> {
    if (this.running || this.ended) return;
    this.running = true;
    try {
      while (!this.ended && (await this.pass())) {
        if (this.turn.payoff.hopeless && !this.turn.staysUnpaid) this.end('hopeless');
      }
    } catch (error) {
      this.end('failed');
      console.error(JSON.stringify({ event: 'draft_model_failed', error: loggable(error) }));
    } finally {
      this.running = false;
    }
  }

  /** One forward pass; false when there is nothing to read now. */
  private async pass(): Promise<boolean> {
    const started = Date.now();
    const { turn } = this;
    const isContext = this.read < turn.context.length;
    if (isContext) await this.readContext();
    else if (!(await this.readTree())) return false;
    this.passes++;
    await nextTurn();
    turn.payoff.spend(Date.now() - started, isContext ? 'context' : 'drafts');
    return true;
  }

  private async readContext(): Promise<void> {
    const { context, position, sampling, wordTokens } = this.turn;
    const chunk = context.subarray(this.read, this.read + CONTEXT_CHUNK);
    const readings = this.committedReadings(chunk);
    if (!readings) return this.end('full');
    const isLast = this.read === context.length;
    const logits = await this.cache.read(readings, isLast ? [readings.length - 1] : []);
    if (!isLast) return;
    // What was committed meanwhile is unread still: then the word on the prompt's end comes too late.
    if (this.store.root.position !== position) return;
    answerNode(this.store.root, logits, sampling, wordTokens);
    this.grown();
  }

  private async readTree(): Promise<boolean> {
    const { store, cache } = this;
    for (const row of store.settled.splice(0)) {
      cache.settle(row);
      this.read++;
    }
    for (const row of store.released.splice(0)) cache.release(row);
    const unread = store.unread.splice(0);
    const readings = this.committedReadings(Int32Array.from(unread));
    if (!readings) {
      this.end('full');
      return false;
    }
    const asked: ModelNode[] = unread.length > 0 ? [store.root] : [];
    if (this.passesHere++ < MAX_PASSES) {
      this.tree.clear();
      this.drafter.draft(this.tree, LOOK_NODES);
      const room = Math.max(1, PASS_NODES - asked.length);
      for (const node of store.ask(this.tree, room, CONFIDENCE)) {
        const reading = this.nodeReading(node);
        if (!reading) continue;
        readings.push(reading);
        asked.push(node);
      }
    }
    if (asked.length === 0) return false;
    const first = readings.length - asked.length;
    const logits = await cache.read(
      readings,
      asked.map((_, i) => first + i),
    );
    const { sampling, wordTokens } = this.turn;
    asked.forEach((node, i) => {
      const own = logits.subarray(i * this.vocabSize, (i + 1) * this.vocabSize);
      answerNode(node, own, sampling, wordTokens);
    });
    this.grown();
    return true;
  }

  /** Committed tokens to be read, one after the other; null when the cache is full. */
  private committedReadings(tokens: Int32Array): Reading[] | null {
    const readings: Reading[] = [];
    for (const token of tokens) {
      const row = this.read < this.positions ? this.cache.reserve() : -1;
      if (row < 0) return null;
      readings.push({ token, position: this.read++, row, sees: [], committed: true });
    }
    return readings;
  }

  private nodeReading(node: ModelNode): Reading | null {
    const { root } = this.store;
    const position = this.read - 1 + node.position - root.position;
    const held = node.parent === root || (node.parent?.row ?? -1) >= 0;
    node.row = held && position < this.positions ? this.cache.reserve() : -1;
    if (node.row < 0) {
      node.parent?.children.delete(node.token);
      return null;
    }
    const sees: number[] = [];
    for (let at = node.parent; at && at !== root; at = at.parent) sees.push(at.row);
    return { token: node.token, position, row: node.row, sees, committed: false };
  }
}

/**
 * A decoder as a network: a second checkpoint of the target's tokenizer, the target's
 * own layers, or a layer over its hidden states. Its engine keeps a cache of its own; what
 * a session reads between two commits stays there as the rows of one growing tree, so a
 * further pass feeds the new nodes only.
 */
import { answerNode, type ModelNode } from '../../src/draft/stores/model-store.ts';
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import type { Engine, Slot, StepRow } from '../engine/engine.ts';
import { askedIn, type Network, type NetworkPlace, type Question } from './network.ts';

/**
 * Tokens at a text's end that a network over the target's states reads, of which the
 * prompt's last 64 have a state: with all of the text it drafts hardly better
 * (docs/decisions.md, 2026-12-01).
 */
const CONTEXT_WITH_STATES = 128;

class EnginePlace implements NetworkPlace {
  readonly deepest = Number.POSITIVE_INFINITY;
  readonly slot: Slot;
  readonly row: StepRow;
  /** Rows at the front of `row` that hold committed text. */
  chain = 0;
  /** What the network says that the target's hidden state is, by row of the tree, where it was asked. */
  readonly guesses: Float32Array[] = [];
  /** Those that `row` reads. */
  private readonly states: (Float32Array | null)[] = [];

  constructor(slot: Slot, mostRows: number) {
    this.slot = slot;
    this.row = {
      slot,
      count: 0,
      tokens: new Int32Array(mostRows),
      parents: new Int16Array(mostRows),
      kept: 0,
      logitsFrom: 0,
      logits: new Float32Array(0),
      features: this.states,
    };
  }

  get room(): number {
    return Math.min(this.slot.capacity - this.slot.length, this.row.tokens.length) - this.row.count;
  }

  /** @param state behind the token before it */
  add(token: number, parent: number, state: Float32Array | null): number {
    const { row } = this;
    this.states[row.count] = state;
    row.tokens[row.count] = token;
    row.parents[row.count] = parent;
    return row.count++;
  }
}

export interface EngineNetworkOptions {
  name: string;
  /** Of the target: a larger table of the draft's ends in padding. */
  vocabSize: number;
  /** The token of each logit that the engine gives of a row; null where they are of its whole vocabulary. */
  vocabulary?: Int32Array | null;
  /** Whether the engine's rows read hidden states, and it gives them. */
  readsStates?: boolean;
}

export class EngineNetwork implements Network<EnginePlace> {
  readonly name: string;
  readonly vocabSize: number;
  readonly mostTokens: number;
  readonly mostContext: number;
  readonly usefulContext: number;
  readonly readsStates: boolean;
  readonly readsOwnStates: boolean;
  readonly promptPlaces = 0;
  private readonly engine: Engine;
  private readonly vocabulary: Int32Array | null;
  /** Logits of a row in the engine's memory, and how many of them name a token of the target. */
  private readonly width: number;
  private readonly named: number;

  constructor(engine: Engine, options: EngineNetworkOptions) {
    const { limits } = engine;
    const { name, vocabSize, vocabulary = null, readsStates = false } = options;
    this.name = name;
    this.engine = engine;
    this.vocabSize = Math.min(vocabSize, limits.vocabSize);
    this.vocabulary = vocabulary;
    this.width = vocabulary?.length ?? limits.vocabSize;
    this.named = Math.min(this.width, this.vocabSize);
    this.mostTokens = Math.min(limits.prefillRows, limits.maxRows);
    this.mostContext = limits.maxContext;
    this.readsStates = readsStates;
    this.readsOwnStates = readsStates;
    this.usefulContext = readsStates ? CONTEXT_WITH_STATES : Number.POSITIVE_INFINITY;
  }

  enter(tokens: Int32Array, most: number, namespace: string) {
    const slot = this.engine.acquire(tokens, Math.min(most, this.mostContext), namespace);
    if (!slot) return null;
    return { place: new EnginePlace(slot, this.engine.limits.maxRows), read: slot.length };
  }

  leave({ slot }: EnginePlace): void {
    this.engine.release(slot);
  }

  async read(questions: readonly Question<EnginePlace>[]): Promise<void> {
    const asked = questions.map((question) => this.rowsOf(question));
    await this.engine.step(questions.map(({ place }) => place.row));
    for (const [i, nodes] of asked.entries()) {
      if (nodes.length === 0) this.commit(questions[i]!.place, []);
      this.answer(nodes, questions[i]!);
    }
  }

  plan(places: readonly EnginePlace[]): GrowingStep {
    return this.engine.plan(places.map(({ slot }) => slot));
  }

  close(): void {
    this.engine.close();
  }

  /** Fills the place's rows; the nodes whose words are wanted, in the order of their logits. */
  private rowsOf(question: Question<EnginePlace>): readonly ModelNode[] {
    const { place, settled, tokens, states, root, nodes } = question;
    const { row } = place;
    if (settled.length > 0 || tokens.length > 0) this.commit(place, settled);
    row.kept = row.count;
    for (const [i, token] of tokens.entries()) {
      place.chain = place.add(token, row.count - 1, states[i] ?? null) + 1;
    }
    const asked = askedIn(question);
    row.logitsFrom = row.count - (asked.length - nodes.length);
    for (const node of nodes) {
      const above = node.parent === root ? place.chain - 1 : node.parent!.row;
      node.row = place.add(node.token, above, this.stateBehind(place, above));
    }
    return asked;
  }

  /** The state that a node below `above` reads; null for a network that reads none. */
  private stateBehind({ guesses }: EnginePlace, above: number): Float32Array | null {
    if (!this.readsStates) return null;
    const state = guesses[above];
    if (!state) throw new Error(`row ${above} of the tree has no state yet for a node to read`);
    return state;
  }

  /** Commits what was read of the committed text; the rest of the tree is forgotten. */
  private commit(place: EnginePlace, settled: readonly number[]): void {
    const path = [...Array.from({ length: place.chain }, (_, i) => i), ...settled];
    if (place.row.count > 0) this.engine.commit(place.slot, path, path.length);
    place.row.count = 0;
    place.chain = 0;
    place.guesses.length = 0;
  }

  private answer(
    nodes: readonly ModelNode[],
    { place: { row, guesses }, sampling, wordTokens }: Question<EnginePlace>,
  ): void {
    const { width, named, vocabulary } = this;
    const { logits, hidden, logitsFrom } = row;
    const size = (hidden?.length ?? 0) / nodes.length;
    nodes.forEach((node, i) => {
      const own = logits.subarray(i * width, i * width + named);
      answerNode(node, own, sampling, wordTokens, vocabulary);
      if (hidden) guesses[logitsFrom + i] = hidden.slice(i * size, (i + 1) * size);
    });
  }
}

/**
 * A turn's seat where a network is asked: the echo with one store more, which holds
 * what the network said. Where it has said nothing the echo drafts as it does alone, by
 * a mixer that never saw a word of it. The seat keeps what the network has read of the
 * turn's text, and says which nodes are worth asking about.
 */
import type { Mixer } from '../../src/draft/blend/mixer.ts';
import type { Sampling } from '../../src/draft/model-distribution.ts';
import { Noise } from '../../src/draft/noise.ts';
import { Source } from '../../src/draft/source.ts';
import { type ModelNode, ModelStore } from '../../src/draft/stores/model-store.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { type DraftWord, MAX_WORD_TOKENS, wordsOf } from '../../src/link/protocol/index.ts';
import { AskedNodes } from './asked-nodes.ts';
import { EchoDrafter } from './echo.ts';
import type { EchoMemory } from './echo-memory.ts';
import type { Prospect } from './gain.ts';
import { insists, type SeatedTurn } from './local-drafters.ts';
import {
  type Network,
  type NetworkedTurn,
  type NetworkPlace,
  type OpenNode,
  type Question,
  saysAnew,
  type Way,
} from './network.ts';
import { Prompting } from './prompting.ts';
import { prospectOf } from './prospect.ts';
import type { StateMemory } from './state-memory.ts';
import type { TargetStates } from './target-states.ts';
import { TurnText } from './turn-text.ts';
import type { Wants } from './ways.ts';

/** Nodes of the tree that is looked through for what to ask about. */
const LOOK_NODES = 48;
/** Rows that a place has for nodes, beside context and answer. */
const NODE_ROWS = 128;
/** Paths less likely are not asked about in a turn that insists: RAPID drafts no further either. */
const CONFIDENCE = 0.4;

export class NetworkedSeat extends EchoDrafter implements NetworkedTurn {
  override readonly networked = this;
  readonly states: TargetStates | undefined;
  readonly prompting: Prompting | undefined;
  readonly namespace: string;
  stepsLeft: number;
  isReading = false;
  readonly insists: boolean;
  private current: Way;
  private readonly store: ModelStore;
  /** Of the echo alone. */
  private readonly ownMixer: Mixer;
  private readonly sampling: Sampling;
  private readonly look = new TokenTree(LOOK_NODES);
  private readonly text: TurnText;
  private place: NetworkPlace | null = null;
  private readonly asked = new AskedNodes();
  /** Rows of nodes that became committed text, which the network is told with the next question. */
  private settled: number[] = [];
  private over = false;

  constructor(turn: SeatedTurn, way: Way, memory: EchoMemory, states: StateMemory, wants: Wants) {
    const { temperature } = turn.warp;
    const drawn = temperature > 0;
    const keeps = !saysAnew(way.network);
    const store = new ModelStore({ drawn, keeps, source: Source.network });
    super(memory, store);
    this.ownMixer = memory.echoMixer;
    this.namespace = turn.namespace;
    this.insists = insists(turn);
    this.current = way;
    this.stepsLeft = way.steps;
    this.store = store;
    this.sampling = { temperature, noise: drawn ? new Noise(turn.seed) : null };
    // What moves the target must not depend on which rows it happened to verify.
    const places = this.insists ? 0 : wants.promptPlaces;
    this.prompting = places > 0 ? new Prompting(places, this.sampling, way.promptWorth) : undefined;
    this.text = new TurnText(turn);
    this.states = wants.states ? states.open(turn, this.text.tokens) : undefined;
  }

  get way(): number {
    return this.current.index;
  }

  private get network(): Network {
    return this.current.network;
  }

  get prompted(): Prompting | undefined {
    return this.network.promptPlaces ? this.prompting : undefined;
  }

  change(way: Way): void {
    this.stepsLeft = way.steps;
    if (way.index === this.way) return;
    this.leave();
    this.current = way;
    this.store.keeps = !saysAnew(way.network);
    if (this.prompting) this.prompting.worth = way.promptWorth;
  }

  override begin(...[prompt, regions]: Parameters<EchoDrafter['begin']>): void {
    super.begin(prompt, regions);
    this.text.begin(prompt);
    this.states?.begin(prompt.length);
    this.prompting?.moved(prompt.length);
    this.leave();
  }

  override commit(tokens: Int32Array): void {
    this.asked.judge(this.store.root, tokens, this.current.gain);
    super.commit(tokens);
    this.write(tokens);
  }

  override follow(tokens: Int32Array): void {
    super.follow(tokens);
    this.write(tokens);
  }

  override draft(tree: TokenTree, budget: number, least?: number): void {
    if (this.store.root.says) super.draft(tree, budget, least);
    else this.withoutNetwork(() => super.draft(tree, budget, least));
  }

  draftWithout(tree: TokenTree, budget: number, least?: number): boolean {
    if (!this.store.root.says) return false;
    this.withoutNetwork(() => super.draft(tree, budget, least));
    return true;
  }

  protected override teach(token: number): void {
    super.teach(token);
    this.withoutNetwork(() => super.teach(token));
  }

  /** Runs `task` as if there were no network. */
  private withoutNetwork(task: () => void): void {
    const { mixer } = this;
    this.store.silent = true;
    this.mixer = this.ownMixer;
    try {
      task();
    } finally {
      this.mixer = mixer;
      this.store.silent = false;
    }
  }

  override end(): void {
    this.over = true;
    this.leave();
  }

  enter(): boolean {
    if (this.over) return false;
    if (this.place && this.place.room - this.behind < NODE_ROWS / 2) this.leave();
    const { network, namespace, store, text } = this;
    if (this.place) {
      this.settled.push(...store.settle());
      // A network that reads the last token alone keeps nothing of the others.
      if (network.usefulContext === 1) store.unread.splice(0, store.unread.length - 1);
      return true;
    }
    // What moves the target reads what the target does.
    const context = text.contextFor(network, NODE_ROWS, this.insists);
    if (context.length === 0) return false;
    const entered = network.enter(context, context.length + text.left + NODE_ROWS, namespace);
    if (!entered) return false;
    this.place = entered.place;
    this.states?.recall();
    store.restart(text.length, context.subarray(entered.read));
    return true;
  }

  leave(): void {
    if (this.place) this.network.leave(this.place);
    this.place = null;
    this.asked.clear();
    this.settled.length = 0;
    this.prompting?.offer(null);
    this.store.restart(this.text.length, new Int32Array(0));
  }

  get held(): NetworkPlace {
    if (!this.place) throw new Error('the seat has no place at the network');
    return this.place;
  }

  get behind(): number {
    return this.store.unread.length;
  }

  get waits(): boolean {
    return this.insists && this.place !== null && this.behind > 0;
  }

  words(tree: TokenTree): DraftWord[] {
    return wordsOf(this.store.read(tree));
  }

  openNodes(): OpenNode[] {
    const { look, network, store } = this;
    look.clear();
    this.draft(look, LOOK_NODES);
    const found: OpenNode[] = [];
    const consider = (index: number) => {
      const reached = index === ROOT ? 1 : look.probs[index]!;
      if (this.insists && reached < CONFIDENCE) return;
      found.push({ index, worth: reached * this.current.gain.expected(this.prospect(index)) });
    };
    const isRootUnread = store.unread.length > 0;
    if (isRootUnread) consider(ROOT);
    const { deepest } = this.held;
    for (const index of store.open(look)) {
      if (look.depths[index]! > deepest) continue;
      // Such a network has no state for a node to read before it has answered the node's parent, of committed text too.
      if (
        network.readsOwnStates &&
        (isRootUnread || !store.hasAnswered(look, look.parents[index]!))
      )
        continue;
      consider(index);
    }
    return found.sort((a, b) => b.worth - a.worth || a.index - b.index);
  }

  question(chosen: readonly OpenNode[]): Question | null {
    const { store, look, network, sampling } = this;
    const wordTokens = this.insists ? MAX_WORD_TOKENS : 0;
    const first = this.text.length - store.unread.length;
    const tokens = Int32Array.from(store.unread.splice(0, network.mostTokens));
    // Of a text that was shortened only the end has states, so there the positions are right.
    const before = network.readsStates ? this.states?.before(first, tokens.length) : undefined;
    // A chunk of a long text comes first, and by itself.
    const whole = store.unread.length === 0;
    this.isReading = !whole;
    const nodes: ModelNode[] = [];
    if (whole) {
      if (tokens.length > 0) this.note(store.root, ROOT);
      for (const { index } of chosen.toSorted((a, b) => a.index - b.index)) {
        if (index === ROOT || nodes.length >= this.held.room - tokens.length) continue;
        if (look.tokens[index]! >= network.vocabSize) continue;
        const node = store.grow(look, index);
        if (!node) continue;
        this.note(node, index);
        nodes.push(node);
      }
    }
    if (tokens.length === 0 && nodes.length === 0) return null;
    const settled = this.settled.splice(0);
    const root = whole ? store.root : null;
    const foretold = this.prompted?.foretold ?? [];
    const { held: place } = this;
    const states = before ?? [];
    return { place, settled, tokens, states, foretold, root, nodes, sampling, wordTokens };
  }

  private write(tokens: Int32Array): void {
    const { text } = this;
    text.write(tokens);
    this.states?.grow(text.length);
    this.asked.clear();
    this.prompting?.moved(text.length);
  }

  private note(node: ModelNode, index: number): void {
    this.asked.note(node, this.look, index, this.prospect(index));
  }

  private prospect(index: number): Prospect {
    const { look, store } = this;
    const says = index === ROOT ? null : store.saidAt(look, look.parents[index]!);
    return prospectOf(look, index, says);
  }
}

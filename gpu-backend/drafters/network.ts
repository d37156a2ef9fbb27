/**
 * The seam between who decides what is worth asking and what answers: a network that
 * reads nodes of candidate trees, for several sessions in one run, and says of each
 * what may come next.
 */
import type { ModelDistribution, Sampling } from '../../src/draft/model-distribution.ts';
import type { ModelNode } from '../../src/draft/stores/model-store.ts';
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import type { DraftWord } from '../../src/link/protocol/index.ts';
import type { Gain } from './gain.ts';
import type { Prompting, PromptWorth } from './prompting.ts';

/** A session's place at a network: what it has read of the session's text. */
export interface NetworkPlace {
  /** Committed tokens that it can still read, nodes included. */
  readonly room: number;
  /** The depth of the deepest node that it can answer now, the root's being 0; infinity where it answers any, −1 where none. */
  readonly deepest: number;
}

/** What a session asks in one run. */
export interface Question<Place extends NetworkPlace = NetworkPlace> {
  place: Place;
  /** Rows of nodes that became committed text, from the root of the last run on. */
  settled: readonly number[];
  /** Committed tokens that come next and were not read; at most `Network.mostTokens`. */
  tokens: Int32Array;
  /**
   * The target's last hidden state behind the token before each of `tokens`, null where
   * it is not known. Empty for a network that reads tokens alone.
   */
  states: readonly (Float32Array | null)[];
  /**
   * What the target said at prompt tokens, one step before it said it for good: what comes
   * after the root, after the token that comes then, and so on. Empty where it said nothing.
   */
  foretold: readonly ModelDistribution[];
  /** The node that the tokens end at, where its word is wanted. Not null where there are `nodes`. */
  root: ModelNode | null;
  /**
   * Nodes to read, each behind its parent; a parent is the root or was read since the
   * last commit. A network that reads its own states has answered the parent in an earlier run.
   */
  nodes: readonly ModelNode[];
  sampling: Sampling;
  /** Tokens of each node's word without the verifier's noise; 0 where it is not wanted. */
  wordTokens: number;
}

/** The nodes that a question wants answers for: of committed text the one that it ends at. */
export function askedIn({
  root,
  tokens,
  nodes,
}: Pick<Question, 'root' | 'tokens' | 'nodes'>): readonly ModelNode[] {
  return root && tokens.length > 0 ? [root, ...nodes] : nodes;
}

/** A node that may be asked about: what it would bring, in tokens of the step. */
export interface OpenNode {
  index: number;
  worth: number;
}

/** A turn that a network is asked for. */
export interface NetworkedTurn {
  readonly namespace: string;
  /** The number of the network that is asked for it. */
  readonly way: number;
  /** Steps after which another way may be better. */
  stepsLeft: number;
  /**
   * Whether the network only read text for this step, as it does at first: that says nothing
   * of how well it drafts. False again before each step.
   */
  isReading: boolean;
  /** Drafts that way from now on, for as many steps as it says. */
  change(way: Way): void;
  /** Whether the network is asked at any price, as what it says moves the target (RAPID's transfer). */
  readonly insists: boolean;
  /** Whether the next step would come too early: the network of a turn that insists has not read its text yet. */
  readonly waits: boolean;
  /** Whether it holds a place, or has taken one now. */
  enter(): boolean;
  leave(): void;
  /** The place of a turn that `enter` has let in. */
  readonly held: NetworkPlace;
  /** Committed tokens that the network has not read. */
  readonly behind: number;
  /** What asking about nodes would bring, best first: a root that was not read, then nodes of the tree. */
  openNodes(): OpenNode[];
  /**
   * What the chosen of the open nodes come to, each behind those that it follows, the
   * unread text with them; null where none of them can be read yet.
   */
  question(chosen: readonly OpenNode[]): Question | null;
  /** Drafts as if the network had said nothing, to compare with. Draws nothing and gives false where it has said nothing. */
  draftWithout(tree: TokenTree, budget: number, least?: number): boolean;
  /** Where its network reads what the target says at prompt tokens; absent where it does not. */
  readonly prompted?: Prompting | undefined;
  /** What the network said after nodes of `tree`, of a turn that insists. */
  words(tree: TokenTree): DraftWord[];
}

/** @typeParam Place what the network itself gives out, and takes back */
export interface Network<Place extends NetworkPlace = NetworkPlace> {
  /** As messages and metrics call it. */
  readonly name: string;
  readonly vocabSize: number;
  /** Committed tokens that one run may read for a session. */
  readonly mostTokens: number;
  /** The most tokens of a session's text that it can hold. */
  readonly mostContext: number;
  /** Tokens at a text's end that are worth reading to draft what comes after it. */
  readonly usefulContext: number;
  /**
   * Whether it reads the target's hidden states beside tokens. Behind drafted tokens there
   * are none, so what it said of these it says anew once they are committed.
   */
  readonly readsStates: boolean;
  /** Whether a node is read with a state that the network makes when it answers the node's parent. */
  readonly readsOwnStates: boolean;
  /** Prompt tokens whose answers it reads, which the target gives a step before; 0 where it reads none. */
  readonly promptPlaces: number;
  /**
   * A place for a session that begins with `tokens` and needs room for `most` in all;
   * null where none is free. `read` tokens of it were read already, never the last one.
   */
  enter(tokens: Int32Array, most: number, namespace: string): { place: Place; read: number } | null;
  leave(place: Place): void;
  /** One run: fills `says`, `word` and `row` of each root and node. Rejects where the run fails. */
  read(questions: readonly Question<Place>[]): Promise<void>;
  /** What a run for the places is expected to take in milliseconds, and how it grows by every row. */
  plan(places: readonly Place[]): GrowingStep;
  close(): void;
}

/** A way to draft (`Ways`), and what its turn's namespace knows of it. */
export interface Way {
  index: number;
  /** Steps for which a turn has it, before it may get another. */
  steps: number;
  network: Network;
  gain: Gain;
  promptWorth: PromptWorth;
}

/** Whether what it says of drafted tokens is out of date once they are committed: then it says it anew. */
export function saysAnew({
  readsStates,
  promptPlaces,
}: Pick<Network, 'readsStates' | 'promptPlaces'>): boolean {
  return readsStates || promptPlaces > 0;
}

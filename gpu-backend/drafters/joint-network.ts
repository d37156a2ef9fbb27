/**
 * Several networks that are asked as one: each reads the same nodes in a cache of its
 * own, and what they say together is pooled (`DistributionPool`). How far to trust which is
 * learned in each namespace from the tokens that came. Where some read the target's
 * states and others do not, the others read ahead (`lookAhead`). A pass takes the time
 * of all of them.
 */
import { Lru } from '../../src/draft/lru.ts';
import {
  MODEL_TOP,
  type ModelDistribution,
  type Sampling,
} from '../../src/draft/model-distribution.ts';
import { depthOf, type ModelNode } from '../../src/draft/stores/model-store.ts';
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import { DistributionPool } from './distribution-pool.ts';
import { lookAhead } from './look-ahead.ts';
import { askedIn, type Network, type NetworkPlace, type Question, saysAnew } from './network.ts';

/** Nodes that are read ahead of a run for a session. */
const AHEAD = 8;
/** Rows that reading ahead leaves: a seat with fewer begins anew, and reads its text again. */
const LEAST_ROOM = 72;
/** Namespaces whose pools are kept; the one used longest ago is forgotten first. */
const MAX_NAMESPACES = 256;

/** Learned apart: what is said with the verifier's noise in it is surer. */
interface Pools {
  plain: DistributionPool;
  drawn: DistributionPool;
}

/** A session's place at one of the networks. */
interface Part {
  network: Network;
  place: NetworkPlace;
  /** Tokens that it has read and another one has not. */
  ahead: number;
  /** Its own nodes by the joint ones: where it keeps them, and what it said. */
  nodes: WeakMap<ModelNode, ModelNode>;
}

class JointPlace implements NetworkPlace {
  readonly parts: readonly Part[];
  /** Nodes that were read since the last commit, by row. */
  read: ModelNode[] = [];
  private readonly pools: Pools;
  /** The node that the text ended at when they were asked last. */
  private root: ModelNode | null = null;

  constructor(parts: readonly Part[], pools: Pools) {
    this.parts = parts;
    this.pools = pools;
  }

  poolFor({ noise }: Sampling): DistributionPool {
    return noise ? this.pools.drawn : this.pools.plain;
  }

  /** Learns from the tokens that came since the last question. */
  learn(tokens: Iterable<number>, sampling: Sampling): void {
    const pool = this.poolFor(sampling);
    let node = this.root;
    for (const token of tokens) {
      if (!node) break;
      pool.learn(saidOf(this.parts, node), token);
      node = node.children.get(token) ?? null;
    }
    // Of text that goes beyond what was asked about nothing was said.
    this.root = node;
  }

  /** The text ends at `root`, whose answer is known. */
  endsAt(root: ModelNode): void {
    this.root = root;
  }

  get room(): number {
    return Math.min(...this.parts.map(({ place }) => place.room));
  }

  get deepest(): number {
    return Math.max(...this.parts.map(({ place }) => place.deepest));
  }
}

type JointQuestion = Question<JointPlace>;

export class JointNetwork implements Network<JointPlace> {
  readonly name: string;
  readonly vocabSize: number;
  readonly mostTokens: number;
  readonly mostContext: number;
  readonly usefulContext: number;
  readonly readsStates: boolean;
  readonly readsOwnStates: boolean;
  readonly promptPlaces: number;
  private readonly networks: readonly Network[];
  /** Those that are asked first, and those that read ahead after them. */
  private readonly leaders: readonly number[];
  private readonly followers: readonly number[];
  private readonly pools = new Lru<Pools>(MAX_NAMESPACES);

  constructor(networks: readonly Network[]) {
    this.networks = networks;
    this.name = networks.map(({ name }) => name).join(' and ');
    this.vocabSize = Math.min(...networks.map((one) => one.vocabSize));
    this.mostTokens = Math.min(...networks.map((one) => one.mostTokens));
    this.mostContext = Math.min(...networks.map((one) => one.mostContext));
    this.usefulContext = Math.max(...networks.map((one) => one.usefulContext));
    // All read committed text anew where one of them has to.
    this.readsStates = networks.some((one) => one.readsStates);
    this.readsOwnStates = networks.some((one) => one.readsOwnStates);
    this.promptPlaces = Math.max(...networks.map((one) => one.promptPlaces));
    const all = [...networks.keys()];
    // Where committed nodes keep their rows, all have to have read them, so nobody is ahead.
    this.leaders = all.filter((i) => saysAnew(networks[i]!) === saysAnew(this));
    this.followers = all.filter((i) => saysAnew(networks[i]!) !== saysAnew(this));
  }

  enter(tokens: Int32Array, most: number, namespace: string) {
    const parts: Part[] = [];
    for (const network of this.networks) {
      const entered = network.enter(tokens, most, namespace);
      if (!entered) {
        leaveAll(parts);
        return null;
      }
      const { place, read: ahead } = entered;
      parts.push({ network, place, ahead, nodes: new WeakMap() });
    }
    const read = Math.min(...parts.map(({ ahead }) => ahead));
    for (const part of parts) part.ahead -= read;
    const pools = this.pools.of(namespace, () => ({
      plain: new DistributionPool(),
      drawn: new DistributionPool(),
    }));
    return { place: new JointPlace(parts, pools), read };
  }

  leave({ parts }: JointPlace): void {
    leaveAll(parts);
  }

  async read(questions: readonly JointQuestion[]): Promise<void> {
    for (const { place, settled, tokens, sampling } of questions) {
      place.learn([...settled.map((row) => place.read[row]!.token), ...tokens], sampling);
    }
    const none = questions.map((): ModelNode[] => []);
    await this.ask(this.leaders, questions, none);
    const ahead = this.followers.length > 0 ? questions.map((one) => this.aheadOf(one)) : none;
    await this.ask(this.followers, questions, ahead);
    for (const [i, question] of questions.entries()) answer(question, ahead[i]!);
  }

  plan(places: readonly JointPlace[]): GrowingStep {
    const steps = this.networks.map((network, i) =>
      network.plan(places.map(({ parts }) => parts[i]!.place)),
    );
    return {
      get cost() {
        return steps.reduce((sum, { cost }) => sum + cost, 0);
      },
      add: (index) => {
        for (const step of steps) step.add(index);
      },
    };
  }

  close(): void {
    for (const network of this.networks) network.close();
  }

  private async ask(
    networks: readonly number[],
    questions: readonly JointQuestion[],
    ahead: readonly (readonly ModelNode[])[],
  ): Promise<void> {
    for (const i of networks) {
      const own = questions.map((question, k) => questionTo(question, i, ahead[k]!));
      const asking = own.filter(asksAnything);
      if (asking.length > 0) await this.networks[i]!.read(asking);
    }
  }

  /** What the followers read ahead, by what the first of the leaders that can answer has said. */
  private aheadOf(question: JointQuestion): ModelNode[] {
    const { place, tokens, root, nodes } = question;
    if (!root) return [];
    const { parts } = place;
    const asked = askedIn(question);
    const rows = tokens.length + nodes.length;
    const room = Math.min(...this.followers.map((i) => parts[i]!.place.room)) - rows - LEAST_ROOM;
    const leaders = this.leaders.map((i) => parts[i]!);
    const saidOf = (node: ModelNode) => leaders.map((one) => nodeOf(one, node).says).find(Boolean);
    return lookAhead(asked, saidOf, this.vocabSize, Math.min(AHEAD, room));
  }
}

function leaveAll(parts: readonly Part[]): void {
  for (const { network, place } of parts) network.leave(place);
}

/** What network `index` is asked, with nodes to read ahead. */
function questionTo(question: JointQuestion, index: number, ahead: readonly ModelNode[]): Question {
  const { settled, tokens, states, foretold, root, nodes, sampling, wordTokens } = question;
  const { parts, read } = question.place;
  const part = parts[index]!;
  const skipped = Math.min(part.ahead, tokens.length);
  part.ahead -= skipped;
  const own = [...nodes, ...ahead].filter((node) => canAnswer(part, node));
  return {
    place: part.place,
    settled: settled.map((row) => nodeOf(part, read[row]!).row),
    tokens: tokens.subarray(skipped),
    states: part.network.readsStates ? states.slice(skipped) : [],
    foretold,
    root: root && nodeOf(part, root),
    nodes: own.map((node) => nodeOf(part, node)).filter(({ says }) => !says),
    sampling,
    wordTokens,
  };
}

function asksAnything({ tokens, nodes }: Question): boolean {
  return tokens.length > 0 || nodes.length > 0;
}

function canAnswer({ place }: Part, node: ModelNode): boolean {
  return place.deepest === Number.POSITIVE_INFINITY || depthOf(node) <= place.deepest;
}

/** The network's own node for a joint one, made behind its own for the parent where there is none yet. */
function nodeOf(part: Part, joint: ModelNode): ModelNode {
  const { nodes } = part;
  let node = nodes.get(joint);
  if (!node) {
    const parent = joint.parent && nodeOf(part, joint.parent);
    const { token, position } = joint;
    node = { token, parent, position, children: new Map(), row: -1, says: null };
    nodes.set(joint, node);
  }
  return node;
}

/** What each of the networks said comes after a node; null of one that has not answered. */
function saidOf(parts: readonly Part[], node: ModelNode): (ModelDistribution | null)[] {
  return parts.map(({ nodes }) => nodes.get(node)?.says ?? null);
}

/** Fills in what the networks said together, and where they keep the nodes; those that were read ahead join the trie. */
function answer(question: JointQuestion, ahead: readonly ModelNode[]): void {
  const { place, settled, tokens, root, nodes, wordTokens, sampling } = question;
  if (settled.length > 0 || tokens.length > 0) place.read = [];
  const answered = [...askedIn(question), ...ahead];
  if (root) place.endsAt(root);
  const pool = place.poolFor(sampling);
  for (const node of answered) {
    const said = saidOf(place.parts, node);
    node.says = pool.mix(said, MODEL_TOP);
    node.partly = place.parts.some((part, i) => !said[i] && canAnswer(part, node));
    // The target is moved by what all say, or not at all.
    const lacks = place.parts.some(({ network }, i) => !said[i] && !network.promptPlaces);
    if (wordTokens === 0 || lacks) continue;
    const words = place.parts.map(({ nodes }) => nodes.get(node)?.word ?? null);
    node.word = pool.mix(words, wordTokens);
  }
  for (const node of ahead) node.parent!.children.set(node.token, node);
  for (const node of nodes) node.row = place.read.push(node) - 1;
}

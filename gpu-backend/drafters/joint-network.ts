/**
 * Several networks that are asked as one: each reads the same nodes in a cache of its
 * own, and what they say together is a mixture of their probabilities. A network's
 * share of it is learned in each session from the tokens that came. A pass takes the
 * time of all of them.
 */
import { MODEL_TOP, type ModelDistribution } from '../../src/draft/model-distribution.ts';
import type { ModelNode } from '../../src/draft/stores/model-store.ts';
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import type { Network, NetworkPlace, Question } from './network.ts';

/** The least rate of learning: the shares of a session follow its last fifty tokens or so. */
const RATE = 0.02;
/** So that a network that was wrong for long can come back. */
const LEAST_SHARE = 0.02;

/** A session's place at one of the networks. */
interface Part {
  network: Network;
  place: NetworkPlace;
  /** Of what all say together. */
  share: number;
  /** Tokens that it has read and another one has not. */
  ahead: number;
  /** Its own nodes by the joint ones: where it keeps them, and what it said. */
  nodes: WeakMap<ModelNode, ModelNode>;
}

class JointPlace implements NetworkPlace {
  readonly parts: readonly Part[];
  /** Nodes that were read since the last commit, by row. */
  read: ModelNode[] = [];
  /** The node that the text ended at when they were asked last. */
  private root: ModelNode | null = null;
  /** Tokens that the shares were learned from. */
  private learned = 0;

  constructor(parts: readonly Part[]) {
    this.parts = parts;
  }

  /** Learns from the tokens that came since the last question: a step of online EM for the weights of a mixture. */
  learn(tokens: Iterable<number>): void {
    let node = this.root;
    for (const token of tokens) {
      if (!node) break;
      const probs = this.parts.map(({ share, nodes }) => share * probOf(token, nodes.get(node!)));
      const sum = probs.reduce((a, b) => a + b, 0);
      if (sum > 0) {
        const rate = Math.max(RATE, 1 / (2 + this.learned++));
        for (const [i, part] of this.parts.entries()) {
          const share = part.share + rate * (probs[i]! / sum - part.share);
          part.share = Math.max(LEAST_SHARE, share);
        }
      }
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
}

export class JointNetwork implements Network {
  readonly vocabSize: number;
  readonly mostTokens: number;
  readonly mostContext: number;
  readonly readsStates: boolean;
  private readonly networks: readonly Network[];

  constructor(networks: readonly Network[]) {
    this.networks = networks;
    this.vocabSize = Math.min(...networks.map((one) => one.vocabSize));
    this.mostTokens = Math.min(...networks.map((one) => one.mostTokens));
    this.mostContext = Math.min(...networks.map((one) => one.mostContext));
    // All read committed text anew where one of them has to.
    this.readsStates = networks.some((one) => one.readsStates);
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
      parts.push({ network, place, share: 1 / this.networks.length, ahead, nodes: new WeakMap() });
    }
    const read = Math.min(...parts.map(({ ahead }) => ahead));
    for (const part of parts) part.ahead -= read;
    return { place: new JointPlace(parts), read };
  }

  leave(place: NetworkPlace): void {
    leaveAll((place as JointPlace).parts);
  }

  async read(questions: readonly Question[]): Promise<void> {
    for (const { place: any, settled, tokens } of questions) {
      const place = any as JointPlace;
      place.learn([...settled.map((row) => place.read[row]!.token), ...tokens]);
    }
    for (const [i, network] of this.networks.entries()) {
      const own = questions.map((question) => questionTo(question, i)).filter(asksAnything);
      if (own.length > 0) await network.read(own);
    }
    for (const question of questions) answer(question);
  }

  plan(places: readonly NetworkPlace[]): GrowingStep {
    const steps = this.networks.map((network, i) =>
      network.plan(places.map((place) => (place as JointPlace).parts[i]!.place)),
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
}

function leaveAll(parts: readonly Part[]): void {
  for (const { network, place } of parts) network.leave(place);
}

/** What network `index` is asked. */
function questionTo(question: Question, index: number): Question {
  const { place, settled, tokens, states, root, nodes, sampling, wordTokens } = question;
  const { parts, read } = place as JointPlace;
  const part = parts[index]!;
  const skipped = Math.min(part.ahead, tokens.length);
  part.ahead -= skipped;
  return {
    place: part.place,
    settled: settled.map((row) => nodeOf(part, read[row]!).row),
    tokens: tokens.subarray(skipped),
    states: part.network.readsStates ? states.slice(skipped) : [],
    root: root && nodeOf(part, root),
    nodes: nodes.map((node) => nodeOf(part, node)),
    sampling,
    wordTokens,
  };
}

function asksAnything({ tokens, nodes }: Question): boolean {
  return tokens.length > 0 || nodes.length > 0;
}

/** The network's own node for a joint one, made behind its own for the parent where there is none yet. */
function nodeOf({ nodes }: Part, joint: ModelNode): ModelNode {
  let node = nodes.get(joint);
  if (!node) {
    const parent = (joint.parent && nodes.get(joint.parent)) ?? null;
    const { token, position } = joint;
    node = { token, parent, position, children: new Map(), row: -1, says: null };
    nodes.set(joint, node);
  }
  return node;
}

function probOf(token: number, node: ModelNode | undefined): number {
  const at = node?.says?.tokens.indexOf(token) ?? -1;
  return at < 0 ? 0 : node!.says!.probs[at]!;
}

/** Fills in what the networks said together, and where they keep the nodes. */
function answer({ place: any, settled, tokens, root, nodes, wordTokens }: Question): void {
  const place = any as JointPlace;
  if (settled.length > 0 || tokens.length > 0) place.read = [];
  const answered = [...nodes];
  if (root && tokens.length > 0) answered.push(root);
  if (root) place.endsAt(root);
  const shares = place.parts.map(({ share }) => share);
  for (const node of answered) {
    const own = place.parts.map((part) => nodeOf(part, node));
    node.says = mixture(
      own.map(({ says }) => says!),
      shares,
      MODEL_TOP,
    );
    if (wordTokens > 0) {
      node.word = mixture(
        own.map(({ word }) => word!),
        shares,
        wordTokens,
      );
    }
  }
  for (const node of nodes) node.row = place.read.push(node) - 1;
}

function mixture(
  said: readonly ModelDistribution[],
  shares: readonly number[],
  most: number,
): ModelDistribution {
  const whole = shares.reduce((a, b) => a + b, 0);
  const sums = new Map<number, number>();
  for (const [i, { tokens, probs }] of said.entries()) {
    const share = shares[i]! / whole;
    for (const [at, token] of tokens.entries()) {
      sums.set(token, (sums.get(token) ?? 0) + probs[at]! * share);
    }
  }
  const best = [...sums].sort(([a, p], [b, q]) => q - p || a - b).slice(0, most);
  return {
    tokens: Int32Array.from(best, ([token]) => token),
    probs: Float32Array.from(best, ([, prob]) => prob),
  };
}

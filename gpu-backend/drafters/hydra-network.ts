/**
 * Hydra's heads as a network (2402.05109). Each node is answered from the target's last
 * hidden state before the root and the tokens from the root to the node, by the head for
 * so many tokens. So there is no cache and nothing of a text to read but its last token,
 * and no node deeper than there are heads can be answered.
 */
import { distributionOf, MODEL_TOP } from '../../src/draft/model-distribution.ts';
import type { ModelNode } from '../../src/draft/stores/model-store.ts';
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import type { HeadRow, Heads } from '../engine/draft-heads.ts';
import type { Network, NetworkPlace, Question } from './network.ts';

class HydraPlace implements NetworkPlace {
  readonly room = Number.POSITIVE_INFINITY;
  /** The last committed token, and the target's state behind the one before it, where it is known. */
  token = 0;
  state: Float32Array | null = null;
}

/** A row and what its answer is for; used anew in each run. */
interface AskedRow extends HeadRow {
  node: ModelNode;
  question: Question;
}

export class HydraNetwork implements Network {
  readonly vocabSize: number;
  readonly mostTokens = Number.POSITIVE_INFINITY;
  readonly mostContext = Number.POSITIVE_INFINITY;
  readonly usefulContext = 1;
  readonly readsStates = true;
  readonly readsOwnStates = false;
  readonly deepest: number;
  private readonly heads: Heads;
  private readonly rows: AskedRow[] = [];

  /** @param vocabSize of the target */
  constructor(heads: Heads, vocabSize: number) {
    this.heads = heads;
    this.vocabSize = vocabSize;
    this.deepest = heads.places - 1;
  }

  enter(tokens: Int32Array) {
    return { place: new HydraPlace(), read: tokens.length - 1 };
  }

  leave(): void {}

  async read(questions: readonly Question[]): Promise<void> {
    let count = 0;
    for (const question of questions) {
      const { place: any, tokens, states, root, nodes } = question;
      const place = any as HydraPlace;
      if (tokens.length > 0) {
        place.token = tokens.at(-1)!;
        place.state = states.at(-1) ?? null;
        if (root) this.ask(count++, root, question);
      }
      for (const node of nodes) this.ask(count++, node, question);
    }
    if (count === 0) return;
    const asked = this.rows.slice(0, count);
    await this.heads.run(asked);
    for (const row of asked) this.answer(row);
  }

  plan(places: readonly NetworkPlace[]): GrowingStep {
    const { heads } = this;
    let rows = places.length;
    return {
      get cost() {
        return heads.cost(rows);
      },
      add: () => {
        rows++;
      },
    };
  }

  close(): void {
    this.heads.close();
  }

  private ask(index: number, node: ModelNode, question: Question): void {
    const { token, state } = question.place as HydraPlace;
    const depth = depthOf(node, question.root);
    if (depth > this.deepest) {
      throw new RangeError(`a node at depth ${depth} is beyond the ${this.heads.places} heads`);
    }
    this.rows[index] ??= {
      node,
      question,
      state,
      tokens: new Int32Array(this.heads.places),
      count: 0,
      logits: new Float32Array(0),
    };
    const row = this.rows[index];
    row.node = node;
    row.question = question;
    row.state = state;
    row.count = depth + 1;
    row.tokens[0] = token;
    let at = node;
    for (let i = depth; i > 0; i--) {
      row.tokens[i] = at.token;
      at = at.parent!;
    }
  }

  private answer({ node, question: { sampling, wordTokens }, logits }: AskedRow): void {
    const { vocabulary } = this.heads;
    node.says = distributionOf(logits, node.position, sampling, MODEL_TOP, vocabulary);
    if (wordTokens === 0) return;
    const plain = { ...sampling, noise: null };
    node.word = distributionOf(logits, node.position, plain, wordTokens, vocabulary);
  }
}

/** Of the root 0. */
function depthOf(node: ModelNode, root: ModelNode | null): number {
  let depth = 0;
  for (let at = node; at !== root; depth++) {
    if (!at.parent) throw new Error('a node is not below the root of its question');
    at = at.parent;
  }
  return depth;
}

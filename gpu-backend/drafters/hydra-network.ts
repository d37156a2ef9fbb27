/**
 * Hydra's heads as a network (2402.05109). Each node is answered from the target's last
 * hidden state before the root and the tokens from the root to the node, by the head for
 * so many tokens. So there is no cache and nothing of a text to read but its last token,
 * and no node deeper than there are heads can be answered.
 */
import { answerNode, depthOf, type ModelNode } from '../../src/draft/stores/model-store.ts';
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import type { HeadRow, Heads } from '../engine/draft-heads.ts';
import { askedIn, type Network, type NetworkPlace, type Question } from './network.ts';

class HydraPlace implements NetworkPlace {
  readonly room = Number.POSITIVE_INFINITY;
  /** The last committed token, and the target's state behind the one before it, where it is known. */
  token = 0;
  state: Float32Array | null = null;
  readonly deepest: number;

  constructor(deepest: number) {
    this.deepest = deepest;
  }
}

/** What a row is to answer. */
interface Asked {
  node: ModelNode;
  question: Question<HydraPlace>;
}

export class HydraNetwork implements Network<HydraPlace> {
  readonly name: string;
  readonly vocabSize: number;
  readonly mostTokens = Number.POSITIVE_INFINITY;
  readonly mostContext = Number.POSITIVE_INFINITY;
  readonly usefulContext = 1;
  readonly readsStates = true;
  readonly readsOwnStates = false;
  readonly promptPlaces = 0;
  private readonly heads: Heads;
  /** Used anew in each run. */
  private readonly rows: HeadRow[] = [];

  /** @param vocabSize of the target */
  constructor(name: string, heads: Heads, vocabSize: number) {
    this.name = name;
    this.heads = heads;
    this.vocabSize = vocabSize;
  }

  enter(tokens: Int32Array) {
    return { place: new HydraPlace(this.heads.places - 1), read: tokens.length - 1 };
  }

  leave(): void {}

  async read(questions: readonly Question<HydraPlace>[]): Promise<void> {
    const asked: Asked[] = [];
    for (const question of questions) {
      const { place, tokens, states } = question;
      if (tokens.length > 0) {
        place.token = tokens.at(-1)!;
        place.state = states.at(-1) ?? null;
      }
      for (const node of askedIn(question)) asked.push({ node, question });
    }
    if (asked.length === 0) return;
    for (const [i, { node, question }] of asked.entries()) this.fill(i, node, question);
    const rows = this.rows.slice(0, asked.length);
    await this.heads.run(rows);
    for (const [i, { node, question }] of asked.entries()) {
      const { sampling, wordTokens } = question;
      answerNode(node, rows[i]!.logits, sampling, wordTokens, this.heads.vocabulary);
    }
    // A turn that has ended is not held on to.
    for (const row of rows) row.state = null;
  }

  plan(places: readonly HydraPlace[]): GrowingStep {
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

  private fill(index: number, node: ModelNode, question: Question<HydraPlace>): void {
    const { token, state, deepest } = question.place;
    const depth = depthOf(node);
    if (depth > deepest) {
      throw new RangeError(`a node at depth ${depth} is beyond the ${this.heads.places} heads`);
    }
    this.rows[index] ??= {
      state,
      tokens: new Int32Array(this.heads.places),
      count: 0,
      logits: new Float32Array(0),
    };
    const row = this.rows[index];
    row.state = state;
    row.count = depth + 1;
    row.tokens[0] = token;
    let at = node;
    for (let i = depth; i > 0; i--) {
      row.tokens[i] = at.token;
      at = at.parent!;
    }
  }
}

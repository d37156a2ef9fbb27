/**
 * Prompt tokens as a network. The target has answered at them in the step before, so a
 * run computes nothing: a node is told what was foretold for its depth, whatever its
 * tokens are. Where nothing was foretold, nothing is said.
 */
import type { ModelDistribution } from '../../src/draft/model-distribution.ts';
import { depthOf } from '../../src/draft/stores/model-store.ts';
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import { askedIn, type Network, type NetworkPlace, type Question } from './network.ts';

class PromptPlace implements NetworkPlace {
  readonly room = Number.POSITIVE_INFINITY;
  foretold: readonly ModelDistribution[] = [];

  get deepest(): number {
    return this.foretold.length - 1;
  }
}

const NOTHING: GrowingStep = { cost: 0, add: () => {} };

export class PromptNetwork implements Network<PromptPlace> {
  readonly name: string;
  readonly vocabSize: number;
  readonly mostTokens = Number.POSITIVE_INFINITY;
  readonly mostContext = Number.POSITIVE_INFINITY;
  readonly usefulContext = 1;
  readonly readsStates = false;
  readonly readsOwnStates = false;
  readonly promptPlaces: number;

  /** @param vocabSize of the target */
  constructor(name: string, places: number, vocabSize: number) {
    this.name = name;
    this.promptPlaces = places;
    this.vocabSize = vocabSize;
  }

  enter(tokens: Int32Array) {
    return { place: new PromptPlace(), read: tokens.length - 1 };
  }

  leave(): void {}

  async read(questions: readonly Question<PromptPlace>[]): Promise<void> {
    for (const question of questions) {
      const { place, tokens, foretold } = question;
      if (tokens.length > 0) place.foretold = foretold;
      for (const node of askedIn(question)) node.says = place.foretold[depthOf(node)] ?? null;
    }
  }

  plan(): GrowingStep {
    return NOTHING;
  }

  close(): void {}
}

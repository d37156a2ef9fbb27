/** A network that says what a script says, and remembers what it was asked. */
import type { Network, NetworkPlace, Question } from '../../gpu-backend/drafters/network.ts';
import type { ModelNode } from '../../src/draft/stores/model-store.ts';

/** The tokens after a path of tokens below the committed text, likeliest first, and their probabilities. */
export type Script = (path: readonly number[], position: number) => [token: number, prob: number][];

interface ScriptedPlace extends NetworkPlace {
  rows: number;
}

export type ScriptedQuestion = Question<ScriptedPlace>;

export class ScriptedNetwork implements Network<ScriptedPlace> {
  readonly name = 'scripted';
  readonly vocabSize: number;
  readonly mostTokens = 64;
  readonly mostContext = 1024;
  usefulContext = Number.POSITIVE_INFINITY;
  readonly readsStates: boolean = false;
  readonly promptPlaces = 0;
  /** As a layer over states does. */
  get readsOwnStates(): boolean {
    return this.readsStates;
  }
  readonly deepest: number = Number.POSITIVE_INFINITY;
  readonly runs: (readonly ScriptedQuestion[])[] = [];
  /** Milliseconds by rows, as expected. */
  costs = (rows: number): number => 1 + 0.01 * rows;
  /** Called with each run: may take time, or throw. */
  during: (rows: number) => void = () => {};
  places = 0;
  closed = false;
  script: Script;

  constructor(vocabSize: number, script: Script) {
    this.vocabSize = vocabSize;
    this.script = script;
  }

  enter() {
    this.places++;
    return { place: { room: 400, rows: 0, deepest: this.deepest }, read: 0 };
  }

  leave(): void {
    this.places--;
  }

  async read(questions: readonly ScriptedQuestion[]): Promise<void> {
    this.runs.push(questions);
    let rows = 0;
    for (const { tokens, nodes } of questions) rows += tokens.length + nodes.length;
    this.during(rows);
    for (const { place, settled, tokens, root, nodes, wordTokens } of questions) {
      if (settled.length > 0 || tokens.length > 0) place.rows = 0;
      place.rows += tokens.length;
      if (root && tokens.length > 0) this.answer(root, wordTokens);
      for (const node of nodes) {
        node.row = place.rows++;
        this.answer(node, wordTokens);
      }
    }
  }

  plan(places: readonly ScriptedPlace[]) {
    let rows = places.length;
    const { costs } = this;
    return {
      get cost() {
        return costs(rows);
      },
      add: () => {
        rows++;
      },
    };
  }

  close(): void {
    this.closed = true;
  }

  private answer(node: ModelNode, wordTokens: number): void {
    const path: number[] = [];
    for (let at: ModelNode = node; at.parent; at = at.parent) path.unshift(at.token);
    const said = this.script(path, node.position);
    node.says = {
      tokens: Int32Array.from(said, ([token]) => token),
      probs: Float32Array.from(said, ([, prob]) => prob),
    };
    if (wordTokens > 0) node.word = node.says;
  }
}

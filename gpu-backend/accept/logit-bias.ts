/**
 * OpenAI's `logit_bias`: added to the logits of named tokens. At ±100 OpenAI
 * promises a ban or exclusive selection, which a hundred does not always give
 * at a high temperature; here the ends of the range are as good as infinite.
 * They stay finite so that a model all of whose tokens are banned still says
 * something, and so that a token that a grammar leaves alone can be drawn.
 */
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import { MAX_LOGIT_BIAS } from '../../src/link/protocol/index.ts';
import type { LogitsProcessor } from './logits-processor.ts';

/** Further than noise (26 at temperature 1, 2,640 at the highest) and transfer (5,000) reach together. */
const ABSOLUTE = 10_000;

export class LogitBias implements LogitsProcessor {
  private readonly ids: Int32Array;
  private readonly biases: Float64Array;
  private readonly banned: ReadonlySet<number>;

  constructor(entries: readonly (readonly [id: number, bias: number])[]) {
    this.ids = Int32Array.from(entries, ([id]) => id);
    this.biases = Float64Array.from(entries, ([, bias]) =>
      Math.abs(bias) < MAX_LOGIT_BIAS ? bias : Math.sign(bias) * ABSOLUTE,
    );
    this.banned = new Set(this.ids.filter((_, i) => this.biases[i] === -ABSOLUTE));
  }

  /** O(biases). */
  apply(logits: Float32Array): void {
    for (let i = 0; i < this.ids.length; i++) logits[this.ids[i]!]! += this.biases[i]!;
  }

  advance(): void {}

  ruleOut(tree: TokenTree, out: Uint8Array): void {
    if (this.banned.size === 0) return;
    for (let node = 0; node < tree.size; node++) {
      if (this.banned.has(tree.tokens[node]!)) out[node] = 1;
    }
  }
}

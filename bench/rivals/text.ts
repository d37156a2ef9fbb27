import type { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';

/** A growing run of tokens that drafters without an index scan. */
export class Text {
  length = 0;
  tokens = new Int32Array(4096);

  reset(prompt: Int32Array): void {
    this.length = 0;
    this.push(prompt);
  }

  push(more: Int32Array): void {
    if (this.length + more.length > this.tokens.length) {
      const larger = new Int32Array(2 * (this.length + more.length));
      larger.set(this.tokens.subarray(0, this.length));
      this.tokens = larger;
    }
    this.tokens.set(more, this.length);
    this.length += more.length;
  }

  /** Drafts `count` tokens from `start` on as one chain, or as many as there are. */
  chain(tree: TokenTree, start: number, count: number, source: Source): void {
    let parent = ROOT;
    for (let i = start; i < Math.min(start + count, this.length); i++) {
      parent = tree.add(parent, this.tokens[i]!, 1, source);
      if (parent < 0) return;
    }
  }

  /** How many tokens before `end` equal the last ones of the text, at most `limit`. */
  matchBefore(end: number, limit: number): number {
    const { tokens, length } = this;
    let matched = 0;
    while (
      matched < limit &&
      matched < end &&
      tokens[end - 1 - matched] === tokens[length - 1 - matched]
    ) {
      matched++;
    }
    return matched;
  }
}

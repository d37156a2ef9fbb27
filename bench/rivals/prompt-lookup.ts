/** Prompt lookup decoding (Saxena 2023): the first earlier occurrence of the last 3, 2 or 1 tokens, ten tokens on. */
import { Source } from '../../src/draft/source.ts';
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';
import { Text } from './text.ts';

const LONGEST = 3;
const CHAIN = 10;

export class PromptLookup implements Contender {
  private readonly text = new Text();

  begin(prompt: Int32Array): void {
    this.text.reset(prompt);
  }

  commit(tokens: Int32Array): void {
    this.text.push(tokens);
  }

  draft(tree: TokenTree, budget: number): void {
    const { text } = this;
    for (let n = LONGEST; n > 0; n--) {
      // As published: a hit counts only if all ten tokens after it are there.
      for (let end = n; end + CHAIN <= text.length && end < text.length - n; end++) {
        if (text.matchBefore(end, n) < n) continue;
        return text.chain(tree, end, Math.min(CHAIN, budget), Source.prompt);
      }
    }
  }
}

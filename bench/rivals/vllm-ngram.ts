/** vLLM's n-gram proposer: the longest of the last 5…3 tokens found earlier, earliest place, five tokens on. */
import { Source } from '../../src/draft/source.ts';
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';
import { Text } from './text.ts';

const SHORTEST = 3;
const LONGEST = 5;
const CHAIN = 5;

export class VllmNgram implements Contender {
  private readonly text = new Text();

  begin(prompt: Int32Array): void {
    this.text.reset(prompt);
  }

  commit(tokens: Int32Array): void {
    this.text.push(tokens);
  }

  draft(tree: TokenTree, budget: number): void {
    const { text } = this;
    let best = SHORTEST - 1;
    let at = -1;
    for (let end = 1; end < text.length && best < LONGEST; end++) {
      const matched = text.matchBefore(end, LONGEST);
      if (matched > best) {
        best = matched;
        at = end;
      }
    }
    if (at >= 0) text.chain(tree, at, Math.min(CHAIN, budget), Source.prompt);
  }
}

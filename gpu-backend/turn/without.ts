/**
 * What a step would have accepted had no network been asked. As the target draws the
 * same tokens whatever is drafted, the other tree can be walked along what was
 * committed: what the network brought is counted, not estimated.
 */

import { MAX_VERIFIED_NODES } from '../../src/draft/tree/budget.ts';
import { fuse } from '../../src/draft/tree/fuse.ts';
import { selectBest } from '../../src/draft/tree/select.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import type { Seat } from '../drafters/beside.ts';

export class Without {
  private readonly drafted = new TokenTree();
  private readonly best = new TokenTree(MAX_VERIFIED_NODES);
  private drawn = false;

  /** Draws the other tree for the step to come, where a network was asked for it. */
  draw(seat: Seat, standing: TokenTree, most: number): void {
    this.drafted.clear();
    this.drawn = seat.draftWithout?.(this.drafted, most) ?? false;
    if (this.drawn) fuse(this.drafted, standing);
  }

  /**
   * How many more of the committed `tokens`, the target's own at their end, were
   * accepted of `verified` than of as many nodes of the other tree. O(nodes).
   */
  owed(tokens: Int32Array, verified: TokenTree): number {
    if (!this.drawn) return 0;
    this.drawn = false;
    selectBest(this.drafted, this.best, verified.size);
    return tokens.length - 1 - depthOf(this.best, tokens);
  }
}

function depthOf(tree: TokenTree, tokens: Int32Array): number {
  let node = ROOT;
  for (let depth = 0; depth < tokens.length; depth++) {
    node = tree.child(node, tokens[depth]!);
    if (node < 0) return depth;
  }
  return tokens.length;
}

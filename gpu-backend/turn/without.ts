/**
 * What a step would have accepted had no network been asked. As the target draws the
 * same tokens whatever is drafted, the other tree can be walked along what was
 * committed: what the network brought is counted, not estimated. The other tree has the
 * nodes that would have been worth verifying then, which may be fewer. Only the accept rule
 * `match` commits the target's own draws alone, so in turns of another no network is asked.
 */

import { MAX_VERIFIED_NODES } from '../../src/draft/tree/budget.ts';
import { fuse } from '../../src/draft/tree/fuse.ts';
import { rankNodes, selectBest } from '../../src/draft/tree/select.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import type { NetworkedTurn } from '../drafters/network.ts';

export class Without {
  private readonly networked: Pick<NetworkedTurn, 'draftWithout'>;
  private readonly drafted = new TokenTree();
  private readonly spare = new TokenTree();
  private readonly best = new TokenTree(MAX_VERIFIED_NODES);
  private readonly falling = new Float64Array(MAX_VERIFIED_NODES);
  /** What would have been proposed for the step in flight; null where no network was asked for it. */
  private proposed: TokenTree | null = null;

  constructor(networked: Pick<NetworkedTurn, 'draftWithout'>) {
    this.networked = networked;
  }

  /**
   * Draws the other tree for the step to come, where a network was asked for it. Of the
   * best nodes, at most `most`, the path probabilities in falling order; null where none was.
   * @param finish does to it what is done to the tree that is verified
   */
  draw(
    standing: TokenTree,
    most: number,
    least: number,
    finish: (tree: TokenTree, spare: TokenTree) => TokenTree,
  ): Float64Array | null {
    this.drafted.clear();
    this.proposed = null;
    if (!this.networked.draftWithout(this.drafted, most, least)) return null;
    fuse(this.drafted, standing);
    this.proposed = finish(this.drafted, this.spare);
    return this.falling.subarray(0, Math.min(most, rankNodes(this.proposed, this.falling)));
  }

  /**
   * How many more of the committed `tokens` were accepted of `verified` than of the
   * best `nodes` of the other tree. O(nodes).
   */
  owed(tokens: Int32Array, verified: TokenTree, nodes: number): number {
    const { proposed, best } = this;
    if (!proposed) return 0;
    this.proposed = null;
    selectBest(proposed, best, nodes);
    return committedBy(verified, tokens) - committedBy(best, tokens);
  }
}

/** How many of `tokens` a step commits that verifies `tree`: those of a path, and one more that the target draws. */
function committedBy(tree: TokenTree, tokens: Int32Array): number {
  let node = ROOT;
  for (let depth = 0; depth < tokens.length; depth++) {
    node = tree.child(node, tokens[depth]!);
    if (node < 0) return depth + 1;
  }
  return tokens.length;
}

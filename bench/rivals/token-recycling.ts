/**
 * Token Recycling (2408.08696): a table of the target's eight likeliest
 * successors of every token, drafted through one fixed breadth-first tree. It
 * learns only where the target's logits are known; in a replay those are the
 * committed positions.
 */
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';

const SUCCESSORS = 8;
/** Children by rank of the parent along the best path, level by level: wide at the top, as the published tree of 80. */
const WIDTHS = [8, 4, 3, 2, 2, 1];

export class TokenRecycling implements Contender {
  private readonly table = new Map<number, Int32Array>();
  private last = 0;

  begin(prompt: Int32Array): void {
    this.last = prompt.at(-1) ?? 0;
  }

  commit(tokens: Int32Array): void {
    this.last = tokens.at(-1) ?? this.last;
  }

  observe(token: number, successors: ArrayLike<number>): void {
    this.table.set(token, Int32Array.from(successors).slice(0, SUCCESSORS));
  }

  draft(tree: TokenTree, budget: number): void {
    let level: { node: number; token: number; rank: number }[] = [
      { node: ROOT, token: this.last, rank: 0 },
    ];
    for (const width of WIDTHS) {
      const below: typeof level = [];
      for (const { node, token, rank } of level) {
        const successors = this.table.get(token) ?? [];
        const children = Math.max(1, Math.ceil(width / (rank + 1)));
        for (let i = 0; i < Math.min(children, successors.length); i++) {
          if (tree.size >= budget) return;
          const child = tree.add(node, successors[i]!, 1, Source.recycling);
          below.push({ node: child, token: successors[i]!, rank: rank + i });
        }
      }
      level = below;
    }
  }
}

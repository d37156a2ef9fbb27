/** Walking an automaton by counts, as the tree-shaped rivals do. For comparison, not for speed. */
import type { SuffixAutomaton } from '../../src/draft/automaton/suffix-automaton.ts';

export interface Follower {
  token: number;
  state: number;
  count: number;
}

/** The followers of a context, most frequent first, then earliest seen. */
export function followers(automaton: SuffixAutomaton, state: number, limit: number): Follower[] {
  const byCount = (a: Edge, b: Edge) => b.count - a.count || a.edge - b.edge;
  return edgesOf(automaton, state).sort(byCount).slice(0, limit);
}

/** The followers of a context, those that came last first. */
export function latestFollowers(
  automaton: SuffixAutomaton,
  state: number,
  limit: number,
): Follower[] {
  const { lastEnd } = automaton;
  const byEnd = (a: Edge, b: Edge) => lastEnd[b.state]! - lastEnd[a.state]!;
  return edgesOf(automaton, state).sort(byEnd).slice(0, limit);
}

type Edge = Follower & { edge: number };

function edgesOf(automaton: SuffixAutomaton, state: number): Edge[] {
  const found: Edge[] = [];
  for (let edge = automaton.firstEdge[state]!; edge >= 0; edge = automaton.nextEdge[edge]!) {
    const target = automaton.edgeTarget[edge]!;
    found.push({
      token: automaton.edgeToken[edge]!,
      state: target,
      count: automaton.count[target]!,
      edge,
    });
  }
  return found;
}

/** Candidates of a best-first search, a plain binary heap. */
export class BestFirst<T extends { p: number }> {
  private readonly heap: T[] = [];

  get size(): number {
    return this.heap.length;
  }

  push(item: T): void {
    const { heap } = this;
    let at = heap.push(item) - 1;
    for (let above = (at - 1) >> 1; at > 0 && heap[above]!.p < item.p; above = (at - 1) >> 1) {
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = item;
  }

  pop(): T {
    const { heap } = this;
    const best = heap[0]!;
    const moved = heap.pop()!;
    if (heap.length === 0) return best;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && heap[below + 1]!.p > heap[below]!.p) below++;
      if (heap[below]!.p <= moved.p) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = moved;
    return best;
  }
}

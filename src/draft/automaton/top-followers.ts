/**
 * The most frequent followers of states that have many, so that a common word's
 * thousand followers are not walked at every node. A list is refreshed when its
 * state has been seen a quarter more often, which bounds both its staleness and
 * the amortised cost of a refresh.
 */
import { MAX_FOLLOWERS } from '../blend/evidence.ts';
import { grown } from './grown.ts';
import type { SuffixAutomaton } from './suffix-automaton.ts';

const STALE_RATIO = 1.25;

export class TopFollowers {
  /** Lists of `MAX_FOLLOWERS` edges, one after another. */
  edges = new Int32Array(16 * MAX_FOLLOWERS);
  private readonly automaton: SuffixAutomaton;
  private readonly rows = new Map<number, number>();
  /** By row, the count of the state when its list was made. */
  private counted = new Int32Array(16);

  constructor(automaton: SuffixAutomaton) {
    this.automaton = automaton;
  }

  clear(): void {
    this.rows.clear();
  }

  get bytes(): number {
    return this.edges.byteLength + this.counted.byteLength + 32 * this.rows.size;
  }

  /** Offset into `edges` of the list of `state`, which has more than `MAX_FOLLOWERS` edges. */
  of(state: number): number {
    const count = this.automaton.count[state]!;
    let row = this.rows.get(state);
    if (row === undefined) {
      row = this.rows.size;
      this.rows.set(state, row);
      if (row === this.counted.length) {
        this.counted = grown(this.counted);
        while (this.edges.length < this.counted.length * MAX_FOLLOWERS)
          this.edges = grown(this.edges);
      }
    } else if (count <= this.counted[row]! * STALE_RATIO) {
      return row * MAX_FOLLOWERS;
    }
    this.counted[row] = count;
    this.fill(state, row * MAX_FOLLOWERS);
    return row * MAX_FOLLOWERS;
  }

  /** Throws unless every list is of its state's edges, each once. For tests; O(edges of listed states). */
  checkIntegrity(): void {
    const { count, fanout, firstEdge, nextEdge } = this.automaton;
    for (const [state, row] of this.rows) {
      if (this.counted[row]! > count[state]! || fanout[state]! <= MAX_FOLLOWERS) {
        throw new Error(`state ${state} has no need of a list, or less than it was made of`);
      }
      const own = new Set<number>();
      for (let edge = firstEdge[state]!; edge >= 0; edge = nextEdge[edge]!) own.add(edge);
      for (let i = row * MAX_FOLLOWERS; i < (row + 1) * MAX_FOLLOWERS; i++) {
        const edge = this.edges[i]!;
        if (!own.delete(edge))
          throw new Error(`edge ${edge} is not state ${state}'s, or stands twice`);
      }
    }
  }

  /** Insertion into a short sorted list: O(edges) for skewed counts, O(edges · MAX_FOLLOWERS) at worst. */
  private fill(state: number, at: number): void {
    const { edgeTarget, nextEdge, firstEdge, count } = this.automaton;
    const list = this.edges;
    let size = 0;
    for (let edge = firstEdge[state]!; edge >= 0; edge = nextEdge[edge]!) {
      const seen = count[edgeTarget[edge]!]!;
      let i = size;
      if (size === MAX_FOLLOWERS) {
        if (seen <= count[edgeTarget[list[at + size - 1]!]!]!) continue;
        i--;
      } else size++;
      for (; i > 0 && count[edgeTarget[list[at + i - 1]!]!]! < seen; i--) {
        list[at + i] = list[at + i - 1]!;
      }
      list[at + i] = edge;
    }
  }
}

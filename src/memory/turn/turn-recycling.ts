/** A in one turn: what was kept of the tokens in its prompt, and what the verifier reports. */
import { RECYCLED_SUCCESSORS, type RecyclingStore } from '../../draft/stores/recycling-store.ts';
import type { Recycled } from '../../link/protocol/index.ts';
import { MAX_ROWS_ASKED, MAX_ROWS_TOLD, type Successors } from '../../store/objects/memory.ts';

export class TurnRecycling {
  private readonly store: RecyclingStore;
  /** What the verifier reported in this turn, by token. */
  private readonly observed = new Map<number, Int32Array>();

  constructor(store: RecyclingStore) {
    this.store = store;
  }

  /** Of a prompt, the tokens whose successors are worth asking for: each once, the last ones first. */
  static wanted(prompt: Int32Array): Int32Array {
    const wanted = new Set<number>();
    for (let i = prompt.length - 1; i >= 0 && wanted.size < MAX_ROWS_ASKED; i--) {
      wanted.add(prompt[i]!);
    }
    return Int32Array.from(wanted);
  }

  /** What was kept of earlier turns; what this one has received is newer. */
  receive({ tokens, successors }: Successors): void {
    tokens.forEach((token, i) => {
      if (!this.observed.has(token)) this.store.observe(token, rowAt(successors, i));
    });
  }

  /** What a step's verification showed. After its commit: the mixer must not learn from the answer's own row. */
  observe({ tokens, successors }: Recycled): void {
    tokens.forEach((token, i) => {
      const row = rowAt(successors, i);
      this.store.observe(token, row);
      if (this.observed.size < MAX_ROWS_TOLD || this.observed.has(token))
        this.observed.set(token, row);
    });
  }

  /** What is left to later turns. */
  learned(): Successors {
    const successors = new Int32Array(this.observed.size * RECYCLED_SUCCESSORS);
    let at = 0;
    for (const row of this.observed.values()) {
      successors.set(row, at);
      at += RECYCLED_SUCCESSORS;
    }
    return { tokens: Int32Array.from(this.observed.keys()), successors };
  }
}

function rowAt(successors: Int32Array, i: number): Int32Array {
  return successors.subarray(i * RECYCLED_SUCCESSORS, (i + 1) * RECYCLED_SUCCESSORS);
}

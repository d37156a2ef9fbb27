/** What a turn feeds in a step: its last committed token, and the tree that may follow. */
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import type { Slot, StepRow } from '../engine/engine.ts';

/** An empty row that is filled anew for each step. Its logits are read one at a time. */
export function rowWithRoom(slot: Slot, most: number): StepRow {
  return {
    slot,
    count: 0,
    tokens: new Int32Array(most),
    parents: new Int16Array(most),
    logitsFrom: 0,
    logits: new Float32Array(0),
    selective: true,
  };
}

/** The last hidden state behind token `index` of the row. Throws where the engine gives none. */
export function hiddenOf({ hidden, count, logitsFrom }: StepRow, index: number): Float32Array {
  if (!hidden) throw new Error('the engine was opened without hidden states');
  const size = hidden.length / (count - logitsFrom);
  return hidden.subarray((index - logitsFrom) * size, (index - logitsFrom + 1) * size);
}

/** Row 0 is the last committed token, the nodes of the tree follow it. */
export function fillWithTree(row: StepRow, last: number, tree: TokenTree): void {
  row.tokens[0] = last;
  row.parents[0] = -1;
  for (let i = 0; i < tree.size; i++) {
    row.tokens[i + 1] = tree.tokens[i]!;
    row.parents[i + 1] = tree.parents[i]! + 1;
  }
  row.count = tree.size + 1;
  row.logitsFrom = 0;
}

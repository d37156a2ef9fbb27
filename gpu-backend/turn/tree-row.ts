/** What a turn feeds in a step: its last committed token, and the tree that may follow. */
import { MAX_VERIFIED_NODES } from '../../src/draft/tree/budget.ts';
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import type { Slot, StepRow } from '../engine/engine.ts';
import { firstAcrossPanel, panelRoom } from '../engine/panel.ts';
import type { Candidates } from './candidates.ts';

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

/**
 * Fills the row with `last`, the last committed token, and the best `nodes` candidates.
 * Where an exact engine's panel ends inside their tree, and it has the wrong shape for
 * that, they are as many as the panel has room for. Returns the most that the row could have had.
 */
export function fillWithBest(
  row: StepRow,
  last: number,
  candidates: Pick<Candidates, 'choose'>,
  nodes: number,
  { exact, sampled }: { exact: boolean; sampled: boolean },
): number {
  const inPanel = panelRoom(row.slot.length) - 1;
  // Sampled drafts are drawn once: to draw again where the tree has the wrong shape
  // would choose drafts by what they are, and the rule's law would not hold. Behind the
  // panel's last row every shape is right.
  const most = exact && sampled && inPanel > 0 ? Math.min(nodes, inPanel) : nodes;
  fillWithTree(row, last, candidates.choose(most));
  if (!exact || firstAcrossPanel(row.parents, row.count, row.slot.length) < 0) {
    return MAX_VERIFIED_NODES;
  }
  fillWithTree(row, last, candidates.choose(inPanel));
  return inPanel;
}

/** Row 0 is the last committed token, the nodes of the tree follow it. */
function fillWithTree(row: StepRow, last: number, tree: TokenTree): void {
  row.tokens[0] = last;
  row.parents[0] = -1;
  for (let i = 0; i < tree.size; i++) {
    row.tokens[i + 1] = tree.tokens[i]!;
    row.parents[i + 1] = tree.parents[i]! + 1;
  }
  row.count = tree.size + 1;
  row.logitsFrom = 0;
}

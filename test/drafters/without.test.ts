/** What a step owes to a network is told by trees that went through the same processors. */
import { expect, test } from 'vitest';
import type { LogitsProcessor } from '../../gpu-backend/accept/logits-processor.ts';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import type { NetworkedTurn } from '../../gpu-backend/drafters/network.ts';
import { PANEL_ROWS } from '../../gpu-backend/engine/panel.ts';
import { Candidates } from '../../gpu-backend/turn/candidates.ts';
import { fillWithBest, rowWithRoom } from '../../gpu-backend/turn/tree-row.ts';
import { Source } from '../../src/draft/source.ts';
import { MAX_VERIFIED_NODES } from '../../src/draft/tree/budget.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import { turnOf } from '../support/turn.ts';

/** Of a network that was asked and brought `brought`; all else is drafted without it. */
class AskedSeat extends EchoDrafter {
  override readonly networked = this as Partial<NetworkedTurn> as NetworkedTurn;
  private readonly brought: readonly number[];

  constructor(brought: readonly number[]) {
    super();
    this.brought = brought;
  }

  override draft(tree: TokenTree): void {
    this.draftWithout(tree);
    for (const token of this.brought) tree.add(ROOT, token, 0.3, Source.draft);
  }

  draftWithout(tree: TokenTree): boolean {
    tree.add(ROOT, 1, 0.9, Source.prompt);
    tree.add(ROOT, 2, 0.2, Source.prompt);
    return true;
  }
}

const neutral: LogitsProcessor = { apply: () => {}, advance: () => {} };
const noOne: LogitsProcessor = {
  ...neutral,
  ruleOut(tree, out) {
    for (let node = 0; node < tree.size; node++) if (tree.tokens[node] === 1) out[node] = 1;
  },
};
const forcesFive: LogitsProcessor = {
  ...neutral,
  extend(tree) {
    tree.add(ROOT, 5, 0.95, Source.grammar);
  },
};

test('a step that nobody drafted for is followed, not learned from', () => {
  const heard: string[] = [];
  class ListeningSeat extends EchoDrafter {
    override commit(tokens: Int32Array): void {
      heard.push(`learned ${tokens}`);
    }
    override follow(tokens: Int32Array): void {
      heard.push(`followed ${tokens}`);
    }
  }
  const candidates = new Candidates(
    turnOf({ prompt: Int32Array.of(3, 4) }),
    new ListeningSeat(),
    96,
  );
  candidates.commit(Int32Array.of(7), false);
  candidates.commit(Int32Array.of(8, 9), true);
  expect(heard.slice(-2)).toEqual(['followed 7', 'learned 8,9']);
});

test('without a network a step may verify fewer nodes', () => {
  const candidates = new Candidates(
    turnOf({ prompt: Int32Array.of(3, 4) }),
    new AskedSeat([7]),
    96,
  );
  expect(candidates.probsWithout).toBe(null);
  candidates.propose(8, 0);
  expect([...candidates.probsWithout!]).toEqual([0.9, 0.2].map((p) => new Float32Array([p])[0]));
  candidates.choose(3);
  expect(candidates.owedToNetwork(Int32Array.of(2, 40), 1)).toBe(1);
  candidates.propose(8, 0);
  candidates.choose(3);
  expect(candidates.owedToNetwork(Int32Array.of(2, 40), 2)).toBe(0);
  candidates.propose(0, 0);
  expect(candidates.probsWithout).toBe(null);
});

test.each<[string, LogitsProcessor[], readonly number[], number, number[], number]>([
  ['what the network alone drafted', [], [7], 2, [7, 40], 1],
  ['nothing of what was drafted anyway', [], [7], 2, [1, 40], 0],
  ['nothing of what takes the place of a pruned node', [noOne], [], 1, [2, 40], 0],
  ['nothing of what a processor drafts', [forcesFive], [], 1, [5, 40], 0],
  ['nothing of a last token that both trees have', [], [], 2, [1], 0],
  // The target draws it itself where no node is there.
  ['nothing of the first token, which any step commits', [], [7], 3, [7], 0],
])('a step owes to a network %s', (_, processors, brought, nodes, committed, owed) => {
  const turn = turnOf({ prompt: Int32Array.of(3, 4) });
  const candidates = new Candidates(turn, new AskedSeat(brought), 96, processors);
  candidates.propose(8, 0);
  candidates.choose(nodes);
  expect(candidates.owedToNetwork(Int32Array.from(committed), nodes)).toBe(owed);
});

test('where a panel ends in a tree that branches, a row says how many nodes there was room for', () => {
  const slot = { length: PANEL_ROWS - 3, cached: 0, capacity: 2 * PANEL_ROWS };
  const row = rowWithRoom(slot, 64);
  const candidates = new Candidates(
    turnOf({ prompt: Int32Array.of(3, 4) }),
    new AskedSeat([7, 8]),
    96,
  );
  candidates.propose(8, 0);
  const fill = (exact: boolean) => fillWithBest(row, 4, candidates, 4, { exact, sampled: false });
  expect([fill(false), candidates.tree.size]).toEqual([MAX_VERIFIED_NODES, 4]);
  expect([fill(true), candidates.tree.size]).toEqual([2, 2]);
});

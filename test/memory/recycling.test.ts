/** A in one turn: what was kept and what steps tell is drafted from, and left to later turns. */
import { expect, test } from 'vitest';
import { Source } from '../../src/draft/source.ts';
import { TokenTree } from '../../src/draft/tree/tree.ts';
import { TurnDrafter } from '../../src/memory/turn/turn-drafter.ts';
import { TurnRecycling } from '../../src/memory/turn/turn-recycling.ts';
import { MAX_ROWS_ASKED, MAX_ROWS_TOLD } from '../../src/store/objects/memory.ts';

/** Eight successors of each token, from `first` on. */
function rows(tokens: number[], first: number) {
  return {
    tokens: Int32Array.from(tokens),
    successors: Int32Array.from(
      tokens.flatMap(() => Array.from({ length: 8 }, (_, i) => first + i)),
    ),
  };
}

function begun() {
  const drafter = new TurnDrafter();
  drafter.begin(Int32Array.of(1, 2, 3), []);
  const recycling = new TurnRecycling(drafter.recycled);
  function drafted(): number[] {
    const tree = new TokenTree(16);
    drafter.draft(tree, 8);
    const own = [...tree.sources.subarray(0, tree.size)];
    expect(own.every((source) => source === Source.recycling)).toBe(true);
    return [...tree.tokens.subarray(0, tree.size)];
  }
  return { drafter, recycling, drafted };
}

test('what was kept of the last token is drafted; what this turn received is newer', () => {
  const { recycling, drafted } = begun();
  expect(drafted()).toEqual([]);
  recycling.receive(rows([3], 70));
  expect(drafted()).toContain(70);
  recycling.observe(rows([3], 90));
  recycling.receive(rows([3], 70));
  const now = drafted();
  expect(now).toContain(90);
  expect(now).not.toContain(70);
});

test('only what this turn received is left to later ones, as received last', () => {
  const { recycling } = begun();
  recycling.receive(rows([3, 4], 70));
  recycling.observe(rows([5, 6], 80));
  recycling.observe(rows([6], 90));
  const { tokens, successors } = recycling.learned();
  expect([...tokens]).toEqual([5, 6]);
  expect([successors[0], successors[8]]).toEqual([80, 90]);
});

test('a prompt asks for each of its tokens once, the last ones first, and for so many', () => {
  expect([...TurnRecycling.wanted(Int32Array.of(1, 2, 1, 3))]).toEqual([3, 1, 2]);
  const long = Int32Array.from({ length: 3 * MAX_ROWS_ASKED }, (_, i) => i);
  expect(TurnRecycling.wanted(long)).toHaveLength(MAX_ROWS_ASKED);
});

test('a turn leaves so many rows and no more', () => {
  const { recycling } = begun();
  const tokens = Array.from({ length: MAX_ROWS_TOLD + 5 }, (_, i) => i);
  recycling.observe(rows(tokens, 70));
  expect(recycling.learned().tokens).toHaveLength(MAX_ROWS_TOLD);
});

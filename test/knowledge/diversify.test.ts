import { expect, test } from 'vitest';
import { diversify } from '../../src/retrieve/diversify.ts';

const item = (name: string, score: number, ...tokens: number[]) => ({
  name,
  score,
  tokens: Int32Array.from(tokens),
});

const ITEMS = [
  item('best', 1, 1, 2, 3, 4),
  item('copy of the best', 0.9, 1, 2, 3, 4),
  item('half of it', 0.8, 1, 2, 5, 6),
  item('nothing of it', 0.5, 7, 8, 9),
];

const names = (k: number, diversity: number) =>
  diversify(ITEMS, k, diversity).map(({ name }) => name);

test('without diversity the order stays', () => {
  expect(names(3, 0)).toEqual(['best', 'copy of the best', 'half of it']);
});

test('the more diversity, the later a copy comes', () => {
  // Second pick at 0.5: the copy 0.45 - 0.5, the half 0.4 - 0.17, the stranger 0.25 - 0.
  expect(names(4, 0.5)).toEqual(['best', 'nothing of it', 'half of it', 'copy of the best']);
  // At 0.3: the copy 0.63 - 0.3, the half 0.56 - 0.1, the stranger 0.35.
  expect(names(4, 0.3)).toEqual(['best', 'half of it', 'nothing of it', 'copy of the best']);
});

test('what is taken comes from the items, each once, and no more than there are', () => {
  for (const diversity of [0, 0.5, 1]) {
    expect([...names(9, diversity)].sort()).toEqual(ITEMS.map(({ name }) => name).sort());
  }
  expect(diversify([], 3, 0.5)).toEqual([]);
  expect(diversify([item('no tokens', 1), item('none either', 1)], 2, 1)).toHaveLength(2);
});

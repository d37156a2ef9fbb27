/** Late interaction on vectors that can be read: words by their letter, near ones in one plane. */
import { expect, test } from 'vitest';
import type { TokenVectors } from '../../src/retrieve/embed/embedder.ts';
import { interact } from '../../src/retrieve/interaction.ts';

/** `remove` lies near `delete`; others are at right angles. A rare word is longer. */
const WORDS: Record<string, number[]> = {
  delete: [2, 0, 0, 0],
  remove: [1.8, 0.6, 0, 0],
  file: [0, 0, 1, 0],
  filler: [0, 0, 0, 1],
};
const names = Object.keys(WORDS);

const tokens: TokenVectors = {
  encode: (text) =>
    text
      .split(/\s+/)
      .filter((word) => word in WORDS)
      .map((word) => names.indexOf(word)),
  async vectors(ids) {
    return Float32Array.from(ids.flatMap((id) => WORDS[names[id]!]!));
  },
};

async function rank(question: string, ...texts: string[]) {
  const passages = texts.map((text, id) => ({ id, title: '', heading: '', text }));
  return (await interact(tokens, question, passages)).map(({ id, score }) => [id, score]);
}

const filler = (count: number) => 'filler '.repeat(count);

test('a near word counts as far as it is near, a rare word more than a common one', async () => {
  const [best, second, third] = await rank('delete file', 'file', 'remove file', 'delete file');
  expect(best).toEqual([2, 1]);
  expect(second![0]).toBe(1);
  expect(second![1]).toBeCloseTo((2 * 0.9487 + 1) / 3, 3);
  expect(third).toEqual([0, expect.closeTo(1 / 3)]);
});

test('what is said in one place counts more than what is said apart', async () => {
  const apart = `delete ${filler(200)} file`;
  const together = `${filler(200)} delete file`;
  expect((await rank('delete file', apart, together))[0]).toEqual([1, 1]);
});

test('headings count in every window', async () => {
  const passage = (id: number, heading: string) => ({
    id,
    title: '',
    heading,
    text: `${filler(90)} file`,
  });
  const ranked = await interact(tokens, 'delete file', [passage(0, ''), passage(1, 'delete')]);
  expect(ranked.map(({ id }) => id)).toEqual([1, 0]);
});

test('nothing to compare is an empty ranking', async () => {
  expect(await rank('?', 'delete file')).toEqual([]);
  expect(await rank('delete')).toEqual([]);
  expect(await rank('delete', 'filler')).toEqual([]);
});

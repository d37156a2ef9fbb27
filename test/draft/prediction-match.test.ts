/** What counts as predicted: tokens of the prediction that the answer has, in order, each once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PredictionMatch } from '../../src/generate/prediction-match.ts';

function counted(prediction: readonly number[], answer: readonly number[]) {
  const predicted = new PredictionMatch(Int32Array.from(prediction));
  for (const token of answer) predicted.add(token);
  return { accepted: predicted.accepted, rejected: predicted.rejected };
}

const TEXT = Array.from({ length: 40 }, (_, i) => i + 1);
const cut = (from: number, to?: number) => TEXT.slice(from, to);

test.each<[string, number[], number]>([
  ['the prediction itself', TEXT, 40],
  ['its beginning', cut(0, 15), 15],
  ['all of it and more', [...TEXT, 900, 901], 40],
  ['nothing of it', [900, 901, 902], 0],
  ['nothing at all', [], 0],
  ['it with three tokens for two others', [...cut(0, 10), 900, 901, 902, ...cut(12)], 38],
  ['it with tokens put in', [...cut(0, 10), 900, 901, ...cut(10)], 40],
  ['it with tokens left out', [...cut(0, 10), ...cut(14)], 36],
  ['it behind words of its own', [900, 901, ...TEXT], 40],
  ['two tokens of it by chance', [900, 20, 21, 901], 0],
  ['a part of it twice', [...cut(0, 10), ...cut(0, 10)], 10],
  ['its halves changed round', [...cut(20), ...cut(0, 20)], 20],
])('an answer that is %s', (_, answer, accepted) => {
  expect(counted(TEXT, answer)).toEqual({ accepted, rejected: TEXT.length - accepted });
});

test('an end of it shorter than a run is not found again', () => {
  expect(counted([1, 2, 3, 4, 5], [1, 2, 9, 4, 5]).accepted).toBe(2);
});

test('never more than either has, nor fewer than they begin alike', () => {
  const tokens = fc.array(fc.nat(3), { maxLength: 30 });
  fc.assert(
    fc.property(tokens, tokens, (prediction, answer) => {
      const { accepted, rejected } = counted(prediction, answer);
      let alike = 0;
      while (alike < answer.length && prediction[alike] === answer[alike]) alike++;
      expect(accepted).toBeGreaterThanOrEqual(Math.min(alike, prediction.length));
      expect(accepted).toBeLessThanOrEqual(Math.min(prediction.length, answer.length));
      expect(accepted + rejected).toBe(prediction.length);
    }),
  );
});

/** Thoughts are told apart from what is said, however the text is cut into pieces. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Reasoning } from '../../src/generate/reasoning.ts';
import { type Step, textOf } from '../../src/generate/text-stream.ts';

const stepOf = (pieces: readonly string[], start = 0): Step => {
  let at = start;
  const logprobs = pieces.map((text, token) => {
    const entry = { token, logprob: 0, top: [], start: at };
    at += text.length;
    return entry;
  });
  const made = pieces.map((text) => ({ text, source: 'target' as const, tokens: 1 }));
  return { pieces: made, logprobs, tokens: pieces.length, drafted: 0, micros: 0 };
};

/** What the pieces come to, a step a piece or all in one. */
function read(pieces: readonly string[], isOpen = false, together = false) {
  const reasoning = new Reasoning(isOpen);
  let start = 0;
  const steps = together
    ? [stepOf(pieces)]
    : pieces.map((piece) => {
        const step = stepOf([piece], start);
        start += piece.length;
        return step;
      });
  const told = steps.map((step) => reasoning.split(step));
  const last = reasoning.end();
  const all = last ? [...told, last] : told;
  return {
    thought: all.map(({ thoughts = [] }) => textOf(thoughts)).join(''),
    said: all.map((step) => textOf(step.pieces)).join(''),
    logprobs: all.flatMap((step) => step.logprobs).length,
    tokens: reasoning.tokens,
  };
}

/** The text cut at these places. */
function cutAt(text: string, places: readonly number[]): string[] {
  const cuts = [0, ...places.map((at) => at % text.length), text.length].sort((a, b) => a - b);
  return cuts.slice(1).flatMap((end, i) => (end > cuts[i]! ? [text.slice(cuts[i], end)] : []));
}

const CASES: [text: string, isOpen: boolean, thought: string, said: string][] = [
  ['<think>\nOne.\n\nTwo.\n</think>\n\nThree.\n', false, 'One.\n\nTwo.', 'Three.\n'],
  ['  <think>a</think>b', false, 'a', 'b'],
  ['<think>\n\n</think>\n\nOnly this.', false, '', 'Only this.'],
  ['One.\n</think>\nTwo.', true, 'One.', 'Two.'],
  ['One, and cut', true, 'One, and cut', ''],
  ['<think>a < b </thin', false, 'a < b </thin', ''],
  ['No thoughts. <think>x</think>', false, '', 'No thoughts. <think>x</think>'],
  ['<thinking about>', false, '', '<thinking about>'],
  ['<think', false, '', '<think'],
  ['', false, '', ''],
];

test.each(CASES)('%j, open: %s', (text, isOpen, thought, said) => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 12 }), fc.boolean(), (places, together) => {
      const pieces = text === '' ? [] : cutAt(text, places);
      expect(read(pieces, isOpen, together)).toMatchObject({ thought, said });
    }),
  );
});

test('tokens of the marks and of the space around them are the thoughts’', () => {
  const pieces = ['<think>', '\n', 'One', '.', '\n', '</think>', '\n\n', 'Two', '.'];
  expect(read(pieces)).toMatchObject({ tokens: 7, logprobs: 2 });
  expect(read(pieces, false, true)).toMatchObject({ tokens: 7, logprobs: 2 });
  expect(read(['Two', '.'])).toMatchObject({ tokens: 0, logprobs: 2 });
  expect(read(['One', ', cut'], true)).toMatchObject({ tokens: 2, logprobs: 0 });
});

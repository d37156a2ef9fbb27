/** Normal forms of hostile text: the platform's own, in linear time. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NormalForm, normalise } from '../../src/model/unicode-normalise.ts';

const FORMS: readonly NormalForm[] = ['NFC', 'NFD', 'NFKC', 'NFKD'];

const MARKS = Array.from({ length: 0x20000 }, (_, code) => code)
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code))
  .filter((character) => /\p{M}/u.test(character));

const run = fc
  .array(fc.constantFrom(...MARKS, '\uff9e', '\uff9f'), { minLength: 20, maxLength: 200 })
  .map((marks) => marks.join(''));
const text = fc
  .array(
    fc.oneof(run, fc.constantFrom('e', 'é', 'ǖ', '가', 'か', ' ', '\u{1d15f}', '<'), fc.string()),
  )
  .map((pieces) => pieces.join(''));

test.each(FORMS)('%s of runs of marks is the platform’s', (form) => {
  expect(MARKS.length).toBeGreaterThan(1_500);
  fc.assert(
    fc.property(text, (input) => {
      expect(normalise(input, form)).toBe(input.normalize(form));
    }),
    { numRuns: 500 },
  );
});

test('each mark finds its place between all others', () => {
  for (const mark of MARKS) {
    const around = ['\u0334', '\u05b4', '\u0e48', '\u0316', '\u0301', '\u0345', '\u093c'];
    const input = `a${[...around, ...around, mark, ...around, mark, ...around, ...around].join('')}`;
    expect(normalise(input, 'NFC')).toBe(input.normalize('NFC'));
  }
});

test('megabytes of marks in turn are normalised', () => {
  const input = `a${'\u0301\u0316'.repeat(500_000)}`;
  const expected = `a${'\u0316'.repeat(500_000)}${'\u0301'.repeat(500_000)}`;
  // ICU alone takes more than ten minutes.
  expect(normalise(input, 'NFD') === expected).toBe(true);
  expect(normalise(input, 'NFC').length).toBe(1_000_000);
});

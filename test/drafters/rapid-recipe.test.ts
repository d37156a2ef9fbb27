/** What `bench:rapid` asks: documents whose facts are known, and how answers are scored. */
import { describe, expect, test } from 'vitest';
import { longDocument } from '../../bench/rapid/document.ts';
import { tokenF1, toldShare } from '../../bench/rapid/score.ts';

const subjectOf = (asks: string) =>
  /the (\w+ (?:lighthouse|bakery|library|orchard|ferry))/.exec(asks)![1]!;
const words = (text: string) => text.match(/\S+/g)!.length;
const recipe = { seed: 3, tokens: 2000, questions: 12, sections: 3 };

describe('a long document', () => {
  const document = longDocument(recipe, words);
  const sections = document.text.split('## ').slice(1);

  test('is the same for the same seed, another for another, and as long as was asked', () => {
    expect(longDocument(recipe, words)).toEqual(document);
    expect(longDocument({ ...recipe, seed: 4 }, words).text).not.toBe(document.text);
    expect(words(document.text)).toBeGreaterThanOrEqual(2000);
    expect(words(document.text)).toBeLessThan(2200);
  });

  test('answers every question in one section, which the question names', () => {
    expect(document.facts).toHaveLength(12);
    expect(document.sections).toHaveLength(3);
    for (const { asks, answers } of [...document.facts, ...document.sections]) {
      const named = subjectOf(asks);
      const about = sections.filter((section) => section.startsWith(`The ${named}`));
      expect(about).toHaveLength(1);
      for (const answer of answers) expect(about[0]).toContain(answer);
    }
    expect(document.sections.every(({ answers }) => answers.length === 3)).toBe(true);
  });

  test('is asked about places far apart', () => {
    const at = document.facts.map(({ asks }) => {
      const named = subjectOf(asks);
      return sections.findIndex((section) => section.startsWith(`The ${named}`)) / sections.length;
    });
    for (let i = 1; i < at.length; i++) {
      expect(Math.abs(at[i]! - at[i - 1]!)).toBeGreaterThan(0.3);
    }
    const sorted = at.toSorted((a, b) => a - b);
    for (let i = 1; i < sorted.length; i++) expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThan(0);
    expect(sorted[0]).toBeLessThan(0.15);
    expect(sorted.at(-1)).toBeGreaterThan(0.85);
  });
});

test.each([
  ['Ada Holm', 'Ada Holm', 1],
  ['The first keeper was Ada Holm.', 'Ada Holm', (2 * 2) / (5 + 2)],
  ['ada', 'Ada Holm', 2 / 3],
  ['It was the the the', 'The year 1888', 0],
  ['1888, 1888', '1888', 2 / 3],
])('"%s" against "%s" is worth %d', (said, known, f1) => {
  expect(tokenF1(said, known)).toBeCloseTo(f1, 12);
});

test('what is told is told word for word', () => {
  expect(toldShare('Ada Holm kept it since 1888.', ['1888', 'Ada Holm', 'red'])).toBeCloseTo(2 / 3);
  expect(toldShare('The year was 18880.', ['1888'])).toBe(0);
});

/** The questions over our docs, which retrieval is measured on, quote what the docs say. */
import { expect, test } from 'vitest';
import { readOwnQuestions } from '../../bench/retrieval/questions.ts';

test('every answer to a question of bench:retrieval is still in docs/', () => {
  const { questions } = readOwnQuestions();
  expect(questions.length).toBeGreaterThan(50);
});

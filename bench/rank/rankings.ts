/** Ways to rank answers that should be code, and how good a ranking is. */
import { codeAnswer } from '../../src/generate/code/code-answer.ts';
import { rankCode } from '../../src/generate/code/rank-code.ts';
import type { CodeTask } from './tasks.ts';

const AT = 10;

/** The indices of answers, best first. Those left out come last in no order. */
export type Ranking = (answers: readonly string[]) => number[];

export const RANKINGS = {
  'as generated': (answers) => answers.map((_, i) => i),
  'parses or not': (answers) => {
    const parses = answers.map((answer) => codeAnswer(answer)?.code.whole ?? false);
    return answers.map((_, i) => i).sort((a, b) => Number(parses[b]) - Number(parses[a]) || a - b);
  },
  'rank: code': (answers) => rankCode(answers).map(({ index }) => index),
} as const satisfies Record<string, Ranking>;

/** nDCG@10 with the gain 2^worth − 1, the mean over the tasks. */
export function meanNdcg(tasks: readonly CodeTask[], rank: Ranking): number {
  const all = tasks.map(({ answers }) => {
    const gains = answers.map(({ worth }) => 2 ** worth - 1);
    const ranked = rank(answers.map(({ text }) => text)).map((index) => gains[index]!);
    return discounted(ranked) / discounted([...gains].sort((a, b) => b - a));
  });
  return all.reduce((sum, one) => sum + one, 0) / all.length;
}

function discounted(gains: readonly number[]): number {
  return gains.slice(0, AT).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);
}

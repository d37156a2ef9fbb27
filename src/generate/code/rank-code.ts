/**
 * Ranks answers that should be code (after FRANC, 2307.08220): those of which nothing
 * parses are left out, the others cut to what parses, and the best comes first. What is
 * known of quality without running anything:
 *
 *   whole       nothing had to be cut off
 *   written     no part is left to be filled in
 *   agreement   how much its syntax has in common with that of the others: what several
 *               samples say alike is more often right than what one says alone
 */
import { runAtOnce } from '../../pause.ts';
import { type CodeAnswer, codeAnswer } from './code-answer.ts';
import { isUnwritten } from './unwritten.ts';

export interface RankedAnswer {
  /** Which of the answers. */
  index: number;
  /** Cut to what parses. */
  text: string;
  whole: boolean;
  score: number;
}

const WHOLE = 1;
const WRITTEN = 1;

/** The best first; equals in their own order. O(answers² · syntax). */
export function rankCode(answers: readonly string[]): RankedAnswer[] {
  return runAtOnce(rankCodeInSlices(answers));
}

/** The same, a slice for each answer that is parsed and for each that is scored. */
export function* rankCodeInSlices(
  answers: readonly string[],
): Generator<undefined, RankedAnswer[]> {
  const parsed: (CodeAnswer | null)[] = [];
  for (const answer of answers) {
    parsed.push(codeAnswer(answer));
    yield;
  }
  const ranked: RankedAnswer[] = [];
  for (const [index, one] of parsed.entries()) {
    if (!one) continue;
    const others = parsed.filter((other, i): other is CodeAnswer => other !== null && i !== index);
    const score = scoreOf(one, others);
    ranked.push({ index, text: one.text, whole: one.code.whole, score });
    yield;
  }
  return ranked.sort((a, b) => b.score - a.score || a.index - b.index);
}

function scoreOf({ code }: CodeAnswer, others: readonly CodeAnswer[]): number {
  const written = isUnwritten(code.text) ? 0 : WRITTEN;
  const shared = others.reduce((sum, other) => sum + likeness(code.shape, other.code.shape), 0);
  const agreement = others.length === 0 ? 0 : shared / others.length;
  return (code.whole ? WHOLE : 0) + written + agreement;
}

type Shape = ReadonlyMap<string, number>;

/** Of two bags what they share, as a part of what either has (Ruzicka). 0 to 1. */
function likeness(a: Shape, b: Shape): number {
  let shared = 0;
  let all = 0;
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(key) ?? 0, b.get(key) ?? 0];
    shared += Math.min(x, y);
    all += Math.max(x, y);
  }
  return all === 0 ? 0 : shared / all;
}

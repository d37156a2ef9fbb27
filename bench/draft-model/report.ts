/** The results as tables. */
import type { Figures } from './compare.ts';
import type { Forward } from './forward.ts';
import type { Goal } from './goals.ts';
import type { LongFigures, LongResult } from './long.ts';

type Both = Record<'grounded' | 'ungrounded', Record<string, Figures>>;

export interface Result extends Partial<Both> {
  sampled?: Both;
  ownPace?: Both;
  long?: Record<string, LongResult> | undefined;
  forward?: Forward | undefined;
  paceMs: number;
  different: number;
  goals: Goal[];
}

export function report(result: Result): void {
  const { grounded, ungrounded, sampled, ownPace, long, forward, paceMs, goals } = result;
  const pace = `steps of ${paceMs} ms`;
  table(`grounded, ${pace}`, grounded);
  table(`ungrounded, ${pace}`, ungrounded);
  table('grounded, temperature 0.8', sampled?.grounded);
  table('ungrounded, temperature 0.8', sampled?.ungrounded);
  table('grounded, own pace', ownPace?.grounded);
  table('ungrounded, own pace', ownPace?.ungrounded);
  for (const measured of Object.values(long ?? {})) {
    const { promptTokens, draftContextTokens, copied, repeated } = measured;
    console.log(`\na prompt of ${promptTokens} tokens, of which D reads ${draftContextTokens};`);
    console.log(
      `of the answers ${percent(copied)} is copied from it, ${percent(repeated)} repeats`,
    );
    longTable(pace, measured.paced);
    longTable('own pace', measured.ownPace);
  }
  if (forward) console.log(`\nforward in workerd: ${JSON.stringify(forward)}`);
  console.log(`questions whose answers differ between variants: ${result.different}`);
  for (const { goal, value, least, met } of goals) {
    console.log(`${met ? 'met   ' : 'MISSED'}  ${goal}: ${value}, at least ${least}`);
  }
}

function table(title: string, part: Record<string, Figures> | undefined): void {
  if (!part) return;
  console.log(`\n${title.padEnd(28)} MAT   tokens/s   answers with D`);
  for (const [name, { mat, tokensPerSecond, drafting }] of Object.entries(part)) {
    row(name, [mat.toFixed(2), tokensPerSecond.toFixed(0), percent(drafting)]);
  }
}

function longTable(title: string, part: Record<string, LongFigures>): void {
  console.log(`\n${title.padEnd(26)} TTFT ms    cached  tokens/s    cached     MAT    with D`);
  for (const [name, figures] of Object.entries(part)) {
    const { ttftMs, cachedTtftMs, tokensPerSecond, cachedTokensPerSecond } = figures;
    const whole = [ttftMs, cachedTtftMs, tokensPerSecond, cachedTokensPerSecond];
    const cells = whole.map((value) => value.toFixed(0));
    row(name, [...cells, figures.mat.toFixed(2), percent(figures.drafting)]);
  }
}

function row(name: string, cells: readonly string[]): void {
  console.log(`  ${name.padEnd(26)}${cells.map((cell) => cell.padStart(8)).join('  ')}`);
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

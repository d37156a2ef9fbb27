/** What the draft model has to bring, and whether this run shows it. */
import { type Figures, round } from './compare.ts';

export interface Goal {
  goal: string;
  value: number;
  least: number;
  met: boolean;
}

type Both = Partial<Record<'grounded' | 'ungrounded', Record<string, Figures>>>;

/** Of the parts that were run, by name. */
export function goalsOf(parts: Readonly<Record<string, Both | undefined>>): Goal[] {
  return Object.entries(parts).flatMap(([part, both]) => {
    const goals: Goal[] = [];
    const ratio = (of: keyof Both, figure: 'mat' | 'tokensPerSecond', least: number) => {
      const { L, 'L+D': withModel } = both?.[of] ?? {};
      if (!L || !withModel) return;
      const value = Math.round((1000 * withModel[figure]) / L[figure]) / 1000;
      const goal = `${part}, ${of}: ${figure} of L+D over L`;
      goals.push({ goal, value, least, met: value >= least });
    };
    if (part === 'ownPace') {
      // The bundled target is too quick for any draft model: there it has to be dropped.
      const drafting = both?.grounded?.['L+D']?.drafting;
      if (drafting !== undefined) {
        const value = round(1 - drafting);
        const goal = `${part}, grounded: share of turns without D in L+D`;
        goals.push({ goal, value, least: 0.9, met: value >= 0.9 });
      }
    } else {
      ratio('ungrounded', 'mat', 1.1);
    }
    ratio('grounded', 'tokensPerSecond', 0.99);
    return goals;
  });
}

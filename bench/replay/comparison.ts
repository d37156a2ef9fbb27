/** One drafter against another, over the same answers. */
import { CATALOGUE } from './catalogue.ts';
import type { Replay } from './walk.ts';

/** Replays of one file, by drafter. */
export type Runs = ReadonlyMap<string, Replay>;

/** The rival that commits most tokens a step, if any ran. */
export function bestRival(runs: Runs): { name: string; mat: number } | null {
  let best: { name: string; mat: number } | null = null;
  for (const [name, { mat }] of runs) {
    if (CATALOGUE[name]!.kind === 'rival' && mat > (best?.mat ?? 0)) best = { name, mat };
  }
  return best;
}

/** The category in which `own` gains least on `part`, and its share of the other's MAT there. */
export function leastGain(own: Replay, part: Replay): [category: string, ratio: number] {
  let least: [string, number] = ['', Number.POSITIVE_INFINITY];
  for (const [category, mat] of Object.entries(part.byCategory)) {
    const ratio = own.byCategory[category]! / mat;
    if (ratio < least[1]) least = [category, ratio];
  }
  return least;
}

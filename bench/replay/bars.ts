/** What drafting set out to reach on the recorded sets, by name, at the nodes it is compared at. */
import { atLeast, atMost, type Goal } from '../goals.ts';
import { CATALOGUE, OWN, SERVICE } from './catalogue.ts';
import { bestRival, leastGain, type Runs } from './comparison.ts';

/** Nodes a step that the bars are for. */
export const BARRED_BUDGET = 32;
/** How far ours may lie below one of its own sources in a category. */
export const ALLOWED_LOSS = 0.01;

/** Least MAT by how a set's name begins. */
const MAT_BARS: Readonly<Record<string, number>> = {
  'specbench-vicuna7b': 2.3,
  'cnndm-mistral7b': 3.2,
  'hagrid-mistral7b': 2.75,
  'rollouts-qwen': 2.85,
};
/** The same with answers of a static store. */
const CORPUS_BARS: Readonly<Record<string, number>> = { 'specbench-vicuna7b': 2.6 };
/** Over the best rival, on average of the sets; on each it has to be above. */
const LEADS: Readonly<Record<string, number>> = { [OWN]: 1.2, [SERVICE]: 1.15 };
/** What prompt lookup reaches in Spec-Bench's own harness: ours is right if it does so here. */
const PLD_SET = 'specbench-vicuna7b';
const PLD_MAT = 1.72;
const PLD_TOLERANCE = 0.02;

/** The bars that these runs can be held to: none for sets without a name above but those against rivals and sources. */
export function barsOf(results: ReadonlyMap<string, Runs>, withCorpus: boolean): Goal[] {
  const goals: Goal[] = [];
  const leads: Record<string, number[]> = { [OWN]: [], [SERVICE]: [] };
  for (const [file, runs] of results) {
    const own = runs.get(OWN);
    const bars = withCorpus ? CORPUS_BARS : MAT_BARS;
    const set = Object.keys(bars).find((name) => file.startsWith(name));
    if (own && set) goals.push(atLeast(`${file}: MAT`, own.mat, bars[set]!));
    const pld = runs.get('pld');
    if (pld && file.startsWith(PLD_SET)) {
      const off = Math.abs(pld.mat - PLD_MAT);
      goals.push(atMost(`${file}: prompt lookup away from ${PLD_MAT}`, off, PLD_TOLERANCE));
    }
    const rival = bestRival(runs);
    for (const [name, ratios] of Object.entries(leads)) {
      const run = runs.get(name);
      if (!run || !rival) continue;
      const ratio = run.mat / rival.mat;
      goals.push(atLeast(`${file}: ${name} over the best rival, ${rival.name}`, ratio, 1));
      ratios.push(ratio);
    }
    for (const [name, run] of runs) {
      if (!own || CATALOGUE[name]!.kind !== 'source') continue;
      const [category, ratio] = leastGain(own, run);
      const goal = `${file}: over ${name} in its best category, ${category}`;
      goals.push(atLeast(goal, ratio, 1 - ALLOWED_LOSS));
    }
  }
  for (const [name, ratios] of Object.entries(leads)) {
    if (ratios.length < 2) continue;
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    goals.push(atLeast(`${name} over the best rival, on average`, mean, LEADS[name]!));
  }
  return goals;
}

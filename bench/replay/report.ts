import { ALLOWED_LOSS } from './bars.ts';
import { CATALOGUE, OWN, SERVICE } from './catalogue.ts';
import { bestRival, leastGain, type Runs } from './comparison.ts';
import type { Conversation } from './traces.ts';
import type { Replay } from './walk.ts';

/** Stores by the letters that stand for them in docs/drafting.md. */
const STORES: Readonly<Record<string, string>> = {
  L: 'session',
  T: 'earlier answers',
  S: 'corpus',
  A: 'recycled guesses (a row)',
};

/**
 * Prints a file's results: a row a drafter, a column a category; memory; how
 * honest our probabilities were; the best rival; and whether blending costs any
 * category anything.
 */
export function printFile(file: string, conversations: readonly Conversation[], runs: Runs): void {
  const turns = conversations.reduce((sum, { turns }) => sum + turns.length, 0);
  const categories = [...new Set(conversations.map(({ category }) => category))];
  console.log(`\n${file}: ${turns} answers`);
  const head = [
    'MAT',
    'nodes',
    'µs p50',
    'p99',
    'commit',
    ...categories.map((c) => c.slice(0, 10)),
  ];
  console.log(row('', head, ''));
  for (const [name, run] of runs) {
    const cells = [
      run.mat.toFixed(3),
      run.nodesPerStep.toFixed(1),
      run.p50us.toFixed(0),
      run.p99us.toFixed(0),
      run.commitUs.toFixed(1),
      ...categories.map((category) => run.byCategory[category]!.toFixed(2)),
    ];
    console.log(row(name, cells, CATALOGUE[name]!.title));
  }
  const rival = bestRival(runs);
  for (const name of [OWN, SERVICE]) {
    const run = runs.get(name);
    if (!run || !rival) continue;
    console.log(`${name}: ${percent(run.mat / rival.mat)} over the best rival, ${rival.name}`);
  }
  const own = runs.get(OWN);
  if (!own) return;
  const bytes = Object.entries(own.bytesPerToken ?? {});
  const each = bytes.map(([store, size]) => `${STORES[store]} ${size.toFixed(1)}`);
  console.log(`${OWN}: bytes a token: ${each.join(', ')}`);
  console.log(`${OWN}: candidates by promised probability, and how many were accepted`);
  for (const { nodes, expected, accepted } of own.calibration) {
    if (nodes === 0) continue;
    const promised = ((100 * expected) / nodes).toFixed(1).padStart(6);
    const kept = ((100 * accepted) / nodes).toFixed(1).padStart(6);
    console.log(`${String(nodes).padStart(10)} promised ${promised} %, accepted ${kept} %`);
  }
  printParts(own, runs);
}

/** Ours against each of its sources alone, and against itself with one left out, in the worst category. */
function printParts(own: Replay, runs: Runs): void {
  const parts = [...runs].filter(([name]) => /source|ablation/.test(CATALOGUE[name]!.kind));
  if (parts.length === 0) return;
  console.log(`${OWN} against its own parts: overall, and in the category where it gains least`);
  for (const [name, part] of parts) {
    const [category, ratio] = leastGain(own, part);
    const overall = percent(own.mat / part.mat).padStart(9);
    const broken = CATALOGUE[name]!.kind === 'source' && ratio < 1 - ALLOWED_LOSS;
    const verdict = broken ? '  MORE THAN 1 % BELOW' : '';
    console.log(
      `  ${name.padEnd(22)} ${overall}  ${percent(ratio).padStart(9)} ${category}${verdict}`,
    );
  }
}

function percent(ratio: number): string {
  const change = 100 * (ratio - 1);
  return `${change < 0 ? '' : '+'}${change.toFixed(1)} %`;
}

function row(name: string, cells: readonly string[], title: string): string {
  return `${name.padEnd(22)}${cells.map((cell) => cell.padStart(11)).join('')}  ${title}`.trimEnd();
}

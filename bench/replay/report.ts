import { CATALOGUE, OWN } from './catalogue.ts';
import type { Conversation } from './traces.ts';
import type { Replay } from './walk.ts';

/** How far ours may lie below one of its own sources in a category. */
const ALLOWED_LOSS = 0.01;

type Runs = ReadonlyMap<string, Replay>;

/**
 * Prints a file's results: a row a drafter, a column a category; memory; how
 * honest our probabilities were; and whether blending costs any category anything.
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
  console.log(row('', head));
  for (const [name, run] of runs) {
    const cells = [
      run.mat.toFixed(3),
      run.nodesPerStep.toFixed(1),
      run.p50us.toFixed(0),
      run.p99us.toFixed(0),
      run.commitUs.toFixed(1),
      ...categories.map((category) => run.byCategory[category]!.toFixed(2)),
    ];
    console.log(row(name, cells));
  }
  const own = runs.get(OWN);
  if (!own) return;
  const bytes = Object.entries(own.bytesPerToken ?? {});
  console.log(`${OWN}: bytes a token: ${bytes.map(([s, b]) => `${s} ${b.toFixed(1)}`).join(', ')}`);
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
    const overall = percent(own.mat / part.mat);
    const broken = CATALOGUE[name]!.kind === 'source' && ratio < 1 - ALLOWED_LOSS;
    const verdict = broken ? '  MORE THAN 1 % BELOW' : '';
    console.log(`  ${name.padEnd(22)} ${overall}  ${percent(ratio)} ${category}${verdict}`);
  }
}

function leastGain(own: Replay, part: Replay): [category: string, ratio: number] {
  let least: [string, number] = ['', Number.POSITIVE_INFINITY];
  for (const [category, mat] of Object.entries(part.byCategory)) {
    const ratio = own.byCategory[category]! / mat;
    if (ratio < least[1]) least = [category, ratio];
  }
  return least;
}

function percent(ratio: number): string {
  const change = 100 * (ratio - 1);
  return `${change < 0 ? '' : '+'}${change.toFixed(1)} %`.padStart(9);
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(22) + cells.map((cell) => cell.padStart(11)).join('');
}

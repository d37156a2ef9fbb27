import { OWN } from './catalogue.ts';
import type { Conversation } from './traces.ts';
import type { Replay } from './walk.ts';

/** Prints a file's results: a row a drafter, a column a category, then how honest our probabilities were. */
export function printFile(
  file: string,
  conversations: readonly Conversation[],
  runs: ReadonlyMap<string, Replay>,
): void {
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
  console.log(`${OWN}: candidates by promised probability, and how many were accepted`);
  for (const { nodes, expected, accepted } of own.calibration) {
    if (nodes === 0) continue;
    const promised = ((100 * expected) / nodes).toFixed(1).padStart(6);
    const kept = ((100 * accepted) / nodes).toFixed(1).padStart(6);
    console.log(`${String(nodes).padStart(10)} promised ${promised} %, accepted ${kept} %`);
  }
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(20) + cells.map((cell) => cell.padStart(11)).join('');
}

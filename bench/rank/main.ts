/**
 * `rank: "code"` on tasks whose answers have a known worth: nDCG@10 against the order of
 * generation and against asking only whether an answer parses.
 *
 *   npm run -s bench:rank [-- --json]
 */
import { meanNdcg, RANKINGS, type Ranking } from './rankings.ts';
import { readCodeTasks } from './tasks.ts';

const tasks = readCodeTasks();
const ndcg10 = Object.fromEntries(
  Object.entries<Ranking>(RANKINGS).map(([name, ranking]) => [name, meanNdcg(tasks, ranking)]),
);
if (process.argv.includes('--json')) {
  const answers = tasks.reduce((sum, task) => sum + task.answers.length, 0);
  console.log(JSON.stringify({ tasks: tasks.length, answers, ndcg10 }));
} else {
  console.log(`${tasks.length} tasks, nDCG@10`);
  for (const [name, value] of Object.entries(ndcg10)) {
    const times = value / ndcg10['as generated']!;
    console.log(`${name.padEnd(16)} ${value.toFixed(3)}  ${times.toFixed(2)} ×`);
  }
}

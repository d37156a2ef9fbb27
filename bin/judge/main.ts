/**
 * Trains the judge of a model (Judge Decoding) on mined labels, and writes it beside it.
 *
 * A fifth of the questions is held out: the share of their labels that the judge would
 * accept, and how many of those are good, are printed and kept in judge.json.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { judged } from '../../gpu-backend/accept/lossy/judge.ts';
import { ProgressBar } from '../../gpu-backend/cli/progress-bar.ts';
import { readArguments, runAsProcess, Usage } from '../../gpu-backend/cli/usage.ts';
import { openModel } from '../open-model.ts';
import { facts } from './facts.ts';
import { aucOf, fitJudge, type Label } from './fit.ts';
import { mineLabels } from './mine.ts';

const TOKENS = 32;
/** Of the questions that the judge learns from; the bench asks others. */
const SEED = 1;
const HELD_OUT = 5;

const HELP = `Usage:
  npm run train:judge -- --model FOLDER | FILE.gguf [--questions 60] [--threshold 0.5] [--threads 2]`;

await runAsProcess(async () => {
  const { values } = readArguments(HELP, {
    options: {
      model: { type: 'string' },
      questions: { type: 'string', default: '60' },
      threads: { type: 'string', default: String(availableParallelism()) },
      threshold: { type: 'string', default: '0.5' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (!values.model) throw new Usage(`name a model\n\n${HELP}`);
  const numbers = {
    questions: Number(values.questions),
    threads: Number(values.threads),
    threshold: Number(values.threshold),
  };
  await train(values.model, numbers);
  return 0;
});

interface Numbers {
  questions: number;
  threads: number;
  threshold: number;
}

async function train(
  source: string,
  { questions: count, threads, threshold }: Numbers,
): Promise<void> {
  const model = await openModel(source, { hiddenOutput: true, threads });
  const { engine, stopIds, decode } = model;
  const questions = await Promise.all(
    facts(count, SEED).map(async (fact) => ({
      fact,
      prompt: await model.promptOf(fact.prompt),
    })),
  );
  const bar = new ProgressBar(process.stderr);
  const onProgress = (done: number, total: number) => bar.count('questions', done, total);
  const mined = await mineLabels(engine, {
    questions,
    tokens: TOKENS,
    stopIds,
    decode,
    onProgress,
  });
  bar.finish();
  engine.close();
  writeJudge(model.path, mined, threshold);
}

function writeJudge(folder: string, mined: readonly Label[][], threshold: number): void {
  const held = mined.filter((_, i) => i % HELD_OUT === 0).flat();
  const { weights, bias } = fitJudge(mined.filter((_, i) => i % HELD_OUT !== 0).flat());
  const head = { weights: Float32Array.from(weights), bias, threshold };
  const scores = held.map(({ hidden }) => judged(head, hidden));
  const accepted = held.filter((_, i) => scores[i]! > threshold);
  const good = (labels: readonly Label[]) => labels.filter((label) => label.good).length;
  const heldOut = {
    labels: held.length,
    good: good(held),
    accepted: accepted.length,
    acceptedGood: good(accepted),
    auc: aucOf(
      scores,
      held.map((label) => label.good),
    ),
  };
  const trainedOn = mined.flat().length - held.length;
  const file = join(folder, 'judge.json');
  writeFileSync(file, JSON.stringify({ weights, bias, threshold, trainedOn, heldOut }));
  console.log(
    `${file}: ${trainedOn} labels; of ${heldOut.labels} held out ${heldOut.good} are good,`,
  );
  console.log(
    `${heldOut.accepted} are accepted and ${heldOut.acceptedGood} of those are good; AUC ${heldOut.auc.toFixed(3)}`,
  );
}

/**
 * Acceptance rules on recorded logits: what each accepts of 1 to 8 drafts after a place,
 * beside draw and match and the optimum.
 *
 *   npm run -s bench:accept -- [--drafts 8] [--temperatures 1,0.6] [--json]
 *   npm run -s bench:accept -- --lossy
 *   npm run -s bench:accept -- --served FILE.gguf [--questions 24] [--rules match,typical] [--threads 2]
 *   npm run -s bench:accept -- --record FILE.gguf
 *
 * The recording is bundled (bench/data/accept); `--record` makes it anew.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { ACCEPT_RULES } from '../../src/link/protocol/index.ts';
import { compareRules } from './compare.ts';
import { recordFrom } from './from-model.ts';
import { compareLossy } from './lossy.ts';
import { distributionsAt, readRecording, writeRecording } from './recording.ts';
import { serveRules } from './served.ts';

/** Drafts beside which the lossy rules are compared. */
const LOSSY_DRAFTS = [1, 4];
const LOSSY_HEADER = '  acceptance   variation  perplexity';

const { values } = parseArgs({
  options: {
    drafts: { type: 'string', default: '8' },
    temperatures: { type: 'string', default: '1,0.6' },
    lossy: { type: 'boolean', default: false },
    served: { type: 'string' },
    questions: { type: 'string', default: '24' },
    rules: { type: 'string', default: ACCEPT_RULES.join(',') },
    threads: { type: 'string', default: String(availableParallelism()) },
    record: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

if (values.record) writeRecording(await recordFrom(values.record));
else if (values.served) await serve(values.served);
else if (values.lossy) lossy();
else compare();

function compare(): void {
  const { target, draft, kept, places } = readRecording();
  const drafts = Number(values.drafts);
  const acceptance = Object.fromEntries(
    values.temperatures.split(',').map((temperature) => {
      const both = places.map((place) => distributionsAt(place, kept, Number(temperature)));
      return [temperature, compareRules(both, drafts)];
    }),
  );
  if (values.json) {
    console.log(JSON.stringify({ target, draft, kept, places: places.length, acceptance }));
    return;
  }
  console.log(`${places.length} places of ${target}'s answers; the drafter is ${draft}`);
  for (const [temperature, table] of Object.entries(acceptance)) {
    console.log(`\ntemperature ${temperature}, drafts`.padEnd(54) + header(drafts));
    for (const [name, row] of Object.entries(table)) {
      console.log(name.padEnd(53) + row.map((share) => share.toFixed(3)).join('  '));
    }
  }
}

function lossy(): void {
  const { places } = readRecording();
  const results = values.temperatures.split(',').flatMap((temperature) =>
    LOSSY_DRAFTS.map((drafts) => ({
      temperature: Number(temperature),
      drafts,
      rules: compareLossy(places, Number(temperature), drafts),
    })),
  );
  if (values.json) return console.log(JSON.stringify({ places: places.length, results }));
  for (const { temperature, drafts, rules } of results) {
    console.log(`\ntemperature ${temperature}, ${drafts} drafts`.padEnd(31) + LOSSY_HEADER);
    for (const [name, { acceptance, variation, perplexity }] of Object.entries(rules)) {
      const numbers = [acceptance.toFixed(3), variation.toFixed(3), perplexity.toFixed(2)];
      console.log(name.padEnd(30) + numbers.map((one) => one.padStart(12)).join(''));
    }
  }
}

async function serve(file: string): Promise<void> {
  const temperature = Number(values.temperatures.split(',')[0]);
  const questions = Number(values.questions);
  const { model, served } = await serveRules(file, {
    questions,
    temperature,
    rules: values.rules.split(','),
    threads: Number(values.threads),
  });
  if (values.json) return console.log(JSON.stringify({ model, questions, temperature, served }));
  console.log(`${model}, ${questions} questions with known answers, temperature ${temperature}`);
  console.log('accept               tokens a step   deviating   right   perplexity');
  for (const [rule, { mat, deviating, right, perplexity }] of Object.entries(served)) {
    console.log(
      `${rule.padEnd(20)} ${mat.toFixed(2).padStart(13)} ${percent(deviating).padStart(11)} ` +
        `${percent(right).padStart(7)} ${perplexity.toFixed(2).padStart(12)}`,
    );
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function header(drafts: number): string {
  return Array.from({ length: drafts }, (_, i) => String(i + 1).padEnd(7)).join('');
}

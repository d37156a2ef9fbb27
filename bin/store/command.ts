/** `npx espalier store`: how well an instance's stores answer. */
import { existsSync, writeFileSync } from 'node:fs';
import { readArguments, Usage } from '../../gpu-backend/cli/usage.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { KnowledgeClient } from '../retrieval/client.ts';
import { AT, cellsOf, MEASURES } from '../retrieval/measures.ts';
import { Corpus } from './corpus.ts';
import { asTable, makeQuestions } from './make-questions.ts';
import { locate, QuestionsFailure, readQuestions } from './questions.ts';
import { reportStore, type StoreReport } from './report.ts';

export const STORE_HELP = `  npx espalier store report ID --questions FILE [--make N] [--sizes 100,200,400]
                          [--url http://localhost:8787] [--verifier http://localhost:8788] [--json]
      How well the store's passages are found, as it is cut and cut otherwise. FILE has
      lines of file, quote and question; --make has the served model write it first.
      ESPALIER_API_KEY is the key of an instance that asks for one.`;
const HELP = `Usage:\n${STORE_HELP}`;

/** Runs the command. Throws `Usage`, `QuestionsFailure` or `InstanceFailure`. */
export async function runStoreCommand(argv: readonly string[]): Promise<void> {
  const { positionals, values } = readArguments(HELP, {
    args: [...argv],
    allowPositionals: true,
    options: {
      questions: { type: 'string' },
      make: { type: 'string' },
      sizes: { type: 'string', default: '' },
      url: { type: 'string', default: 'http://localhost:8787' },
      verifier: { type: 'string', default: 'http://localhost:8788' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const [verb, store] = positionals;
  if (verb !== 'report' || !store || !values.questions) throw new Usage(HELP);
  if (!values.make && !existsSync(values.questions)) {
    throw new QuestionsFailure(`${values.questions} is not there: write it, or add --make 40`);
  }
  const client = new KnowledgeClient(values.url, process.env.ESPALIER_API_KEY);
  const corpus = new Corpus(await client.files(store));
  if (values.make) await make(client, corpus, values.questions, Number(values.make));
  const { questions, missing } = locate(readQuestions(values.questions), corpus);
  for (const quote of missing) console.error(`left out, as no file of the store says: ${quote}`);
  if (questions.length === 0) throw new QuestionsFailure('no question has its quote in the store');
  const report = await reportStore(client, {
    store,
    corpus,
    questions,
    sizes: values.sizes.split(',').filter(Boolean).map(Number),
    tokensOf: await tokenCounter(values.verifier),
  });
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
}

async function make(client: KnowledgeClient, corpus: Corpus, file: string, count: number) {
  if (existsSync(file)) throw new QuestionsFailure(`${file} is there: --make writes a new file`);
  const lines = await makeQuestions(client, corpus.files, count);
  writeFileSync(file, asTable(lines));
  console.error(`${lines.length} questions are in ${file}: read them before you trust the figures`);
}

/** By the served model's tokenizer, which its verifier gives; null where it can't be reached. */
async function tokenCounter(verifier: string): Promise<((word: string) => number) | null> {
  try {
    const get = async (name: string) => (await fetch(`${verifier}/model/${name}`)).json();
    const files = [await get('tokenizer.json'), await get('tokenizer_config.json')] as const;
    const { encode } = createTokenizer(...files);
    return (word) => encode(word).length;
  } catch {
    console.error(`no tokenizer at ${verifier}: measured in characters`);
    return null;
  }
}

function print({ questions, unit, byCutting }: StoreReport): void {
  console.log(`${questions} questions, the first ${AT} passages, in ${unit}`);
  console.log(`cut at      ${MEASURES.map((name) => name.padStart(15)).join('')}`);
  for (const [cutting, measures] of Object.entries(byCutting)) {
    console.log(`${cutting.padEnd(12)}${cellsOf(measures)}`);
  }
}

/** `espalier model report` and `espalier model neighbours` as commands. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { NEIGHBOURS_FILE } from '../accept/lossy/neighbour-table.ts';
import { writeNeighbours } from '../builder/neighbours.ts';
import { ProgressBar } from './progress-bar.ts';
import { storeTexts } from './store-texts.ts';
import { readArguments, Usage } from './usage.ts';
import { MOST_TEXT, printReport, readTexts, reportModel } from './vocabulary-report.ts';

interface Texts {
  text?: string | undefined;
  store?: string | undefined;
  url: string;
}

/** Runs the command; resolves with the exit code. @param help of `espalier model` */
export async function runReport(argv: readonly string[], help: string): Promise<number> {
  const { positionals, values } = readArguments(help, {
    args: [...argv],
    allowPositionals: true,
    options: {
      text: { type: 'string' },
      store: { type: 'string' },
      url: { type: 'string', default: 'http://localhost:8787' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return printHelp(help);
  const folder = requireFolder(positionals[0], 'report');
  const report = reportModel(folder, await ownTexts(values));
  if (values.json) console.log(JSON.stringify(report));
  else printReport(report);
  return 0;
}

export async function runNeighbours(argv: readonly string[], help: string): Promise<number> {
  const { positionals, values } = readArguments(help, {
    args: [...argv],
    allowPositionals: true,
    options: { help: { type: 'boolean', default: false } },
  });
  if (values.help) return printHelp(help);
  const folder = requireFolder(positionals[0], 'neighbours');
  const bar = new ProgressBar(process.stderr);
  const threads = availableParallelism();
  const onProgress = (done: number, total: number) => bar.count('tokens', done, total);
  await writeNeighbours(folder, { threads, onProgress });
  bar.finish();
  console.log(`${join(folder, NEIGHBOURS_FILE)} is made: speculation.accept may be "relaxed" now`);
  return 0;
}

function printHelp(help: string): number {
  console.log(help);
  return 0;
}

function requireFolder(folder: string | undefined, verb: string): string {
  if (folder && existsSync(join(folder, 'tokenizer.json'))) return folder;
  throw new Usage(
    `name a model's folder: npx espalier model ${verb} FOLDER (npx espalier model add prints it)`,
  );
}

/** The user's own texts in one: of a file, a folder or a store. */
async function ownTexts({ text, store, url }: Texts): Promise<string | undefined> {
  if (store === undefined) return text === undefined ? undefined : readTexts(text);
  return await storeTexts({ url, key: process.env.ESPALIER_API_KEY }, store, MOST_TEXT);
}

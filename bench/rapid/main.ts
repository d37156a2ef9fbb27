/**
 * RAPID (2502.20330) on long documents with known facts: the target over the whole
 * document, the target over the passages that are found, and the target over all with
 * its own weights over the passages as the drafter, lossless (η = 0) and moved (η > 0).
 *
 *   npm run -s bench:rapid -- --model FILE.gguf [--json] [--tokens 4096] [--documents 3]
 *                             [--questions 4] [--sections 2] [--temperatures 1]
 *                             [--etas 0,10,20] [--answer 64] [--quantize FORM] [--threads 2]
 *
 * Questions are about one fact each, to be told in a few words, and for the first
 * `--sections` of a document also about all that it says about that place. Each document
 * is read once, and rows find it in the cache. The time of that reading is counted to
 * every row that reads the document. Temperature 1 and η 10 and 20 are those of the
 * paper's own drafters of the same size on InfiniteBench (its repository's tables).
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type OpenedModel, openModel } from '../../bin/open-model.ts';
import { QUANTIZATION_CHOICES } from '../../gpu-backend/builder/quantization.ts';
import { DEFAULT_CACHE_FOLDER } from '../../gpu-backend/engine/open.ts';
import { openNetworks } from '../../gpu-backend/open-drafters.ts';
import { turnOf } from '../../test/support/turn.ts';
import { machine } from '../engine/setup.ts';
import { type LongDocument, longDocument } from './document.ts';
import { type BenchPrompts, promptMaker } from './prompts.ts';
import { isLossless, type OpenRow, openRow, rowsOf, transferOf } from './rows.ts';
import type { Question } from './sections.ts';
import { type Figures, Sums } from './sums.ts';

const SEED = 7;
/** Of all rows, so that they share the cache of the documents; what they learn for drafting they keep apart. */
const NAMESPACE = 'bench';
/** Tokens of a prompt beside the document. */
const AROUND = 512;
/** One holds the document, another the passages. */
const SLOTS = 2;
const MEMORY_BYTES = 2 ** 32;

/** The two ways to ask, by what is to be told: how, and in how many tokens; null for as many as `--answer` says. */
const ASKED = {
  facts: { how: 'Answer in a few words only.', tokens: 24 },
  sections: { how: 'Tell all of it, in whole sentences.', tokens: null },
};
type Kind = keyof typeof ASKED;
const KINDS: readonly Kind[] = ['facts', 'sections'];

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    json: { type: 'boolean', default: false },
    tokens: { type: 'string', default: '4096' },
    documents: { type: 'string', default: '3' },
    questions: { type: 'string', default: '4' },
    temperatures: { type: 'string', default: '1' },
    etas: { type: 'string', default: '0,10,20' },
    sections: { type: 'string', default: '2' },
    answer: { type: 'string', default: '64' },
    quantize: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});

/** By kind of question and row. */
type Table = Record<Kind, Record<string, Sums>>;
/** By temperature. */
type Tables = Map<number, Table>;

async function main(file: string): Promise<void> {
  const plans = rowsOf(values.etas.split(',').map(Number));
  const answer = Number(values.answer);
  const settings = {
    slots: SLOTS,
    maxContext: Number(values.tokens) + AROUND + answer,
    memoryBytes: MEMORY_BYTES,
    threads: Number(values.threads),
  };
  const quantization = quantizationOf(values.quantize);
  const model = await openModel(file, settings, quantization);
  const add = { cacheFolder: DEFAULT_CACHE_FOLDER, compute: 'float32', quantization } as const;
  const [network] = await openNetworks('self', model.target, model.engine, { settings, add });
  const rows = plans.map((plan) => openRow(plan, model.engine, network));
  const temperatures = values.temperatures.split(',').map(Number);
  const tables: Tables = new Map(
    temperatures.map((temperature) => [temperature, { facts: {}, sections: {} }]),
  );
  for (let seed = 1; seed <= Number(values.documents); seed++) {
    const [questions, sections] = [Number(values.questions), Number(values.sections)];
    const document = longDocument(
      { seed, tokens: Number(values.tokens), questions, sections },
      (text) => model.chat.encodeUntrusted(text).length,
    );
    await askAll(model, rows, document, tables);
  }
  for (const { decoder } of rows) await decoder.close();
  network.close();
  model.engine.close();
  report(model.name, tables);
}

/** All questions over a document, each to all rows in turns, so that no row has the quiet moments. */
async function askAll(
  model: OpenedModel,
  rows: readonly OpenRow[],
  document: LongDocument,
  tables: Tables,
): Promise<void> {
  const prompts = await promptMaker(document, model.chat, model.engine.limits.maxContext);
  const readMs = await read(rows[0]!, await prompts('', 'Hello.'));
  let asked = 0;
  for (const kind of KINDS) {
    for (const question of document[kind]) {
      const both = await prompts(question.asks, `${question.asks} ${ASKED[kind].how}`);
      for (const [temperature, table] of tables) {
        const turned = rows.map((_, i) => rows[(i + asked) % rows.length]!);
        await askRows(model, turned, both, question, kind, {
          table: table[kind],
          temperature,
          seed: [SEED, asked++],
        });
      }
    }
  }
  for (const table of tables.values()) {
    for (const { name, reads } of rows) {
      if (reads === 'all') for (const kind of KINDS) table[kind][name]?.read(readMs);
    }
  }
}

/** Reads a document into the cache; the milliseconds that takes. */
async function read({ decoder }: OpenRow, { all }: BenchPrompts): Promise<number> {
  const { tokens: prompt, regions, excerpts } = all;
  const place = { prompt, regions, excerpts, namespace: NAMESPACE, drafting: 'off' } as const;
  return (await decoder.decode(turnOf({ ...place, maxTokens: 1 }), null)).prefillMs;
}

interface Asking {
  table: Record<string, Sums>;
  temperature: number;
  seed: [number, number];
}

async function askRows(
  model: OpenedModel,
  rows: readonly OpenRow[],
  prompts: BenchPrompts,
  question: Question,
  kind: Kind,
  { table, temperature, seed }: Asking,
): Promise<void> {
  /** Of the rows that draw from the target alone. */
  const drawn = new Set<string>();
  for (const row of rows) {
    const { tokens: prompt, regions, excerpts } = prompts[row.reads];
    const turn = turnOf({
      prompt,
      regions,
      excerpts,
      seed,
      namespace: NAMESPACE,
      warp: { temperature, topK: 0, topP: 1 },
      maxTokens: ASKED[kind].tokens ?? Number(values.answer),
      transfer: transferOf(row),
      drafting: row.drafters ? 'echoed' : 'off',
      stopIds: model.stopIds,
    });
    const before = row.drafters?.spent[0]?.passes ?? 0;
    const decoded = await row.decoder.decode(turn, row.drafters?.seat(turn) ?? null);
    const passes = (row.drafters?.spent[0]?.passes ?? 0) - before;
    const said = decoded.tokens.filter((token) => !model.stopIds.has(token));
    const text = model.decode(said);
    if (isLossless(row)) drawn.add(decoded.tokens.join());
    table[row.name] ??= new Sums();
    const moved = row.eta ? decoded.moved : 0;
    table[row.name]!.add(question, text, { ...decoded, moved, passes });
  }
  if (drawn.size > 1) throw new Error(`${question.asks} Drafting changed the answer`);
}

/** Throws on a form that there is not: it would be measured in another one. */
function quantizationOf(name: string | undefined) {
  const choice = QUANTIZATION_CHOICES.find((one) => one === name);
  if (name === undefined || choice) return choice;
  throw new Error(`--quantize must be one of ${QUANTIZATION_CHOICES.join(', ')}, not "${name}"`);
}

function report(name: string, tables: Tables): void {
  const byName = Object.fromEntries([...tables].map(([at, table]) => [`at ${at}`, table]));
  const figures = mapped(byName, (table) => mapped(table, (rows) => mapped(rows, figuresOf)));
  if (values.json) {
    const { json: _, model: __, ...settings } = values;
    console.log(JSON.stringify({ model: name, machine: machine(), settings, ...figures }));
    return;
  }
  for (const [temperature, kinds] of Object.entries(figures)) {
    for (const [kind, rows] of Object.entries(kinds)) {
      console.log(`${kind} ${temperature}`);
      for (const [row, figure] of Object.entries(rows)) console.log(`  ${lineOf(row, figure)}`);
    }
  }
}

const figuresOf = (sums: Sums): Figures => sums.figures;

function mapped<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function lineOf(row: string, figures: Figures): string {
  const { f1, told, mat, passes, tokensPerSecond, withPrefill, moved, length } = figures;
  return (
    `${row.padEnd(20)} F1 ${f1.toFixed(3)}, told ${told.toFixed(3)}, ${mat.toFixed(2)} tokens and ${passes.toFixed(2)} passes a step, ` +
    `${tokensPerSecond.toFixed(1)} a second, ${withPrefill.toFixed(1)} with reading, ` +
    `moved ${moved.toFixed(2)}, ${length.toFixed(0)} tokens an answer`
  );
}

if (!values.model) {
  console.error('Name a model: --model FILE.gguf');
  process.exitCode = 2;
} else {
  await main(values.model);
}

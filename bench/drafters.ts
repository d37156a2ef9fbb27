/**
 * The drafters beside the verifier on a real model: tokens a step and tokens a
 * second of each combination, over the same prompts in turns, in one run.
 *
 *   npm run -s bench:drafters -- --model FILE.gguf [--json] [--prompts 40] [--tokens 128]
 *                                [--temperatures 0,0.8] [--quantize FORM]
 *                                [--draft NAME,NAME] [--draft-quantize FORM] [--rows L,L+A]
 *                                [--nodes N] [--passes 4] [--simulate] [--free L+A,all]
 *
 * `L` is the echo over the session's own text; `A` the successors that the target's
 * logits named. `--draft` names networks as ESPALIER_DRAFT does, and each has the row of its
 * kind: `L+A+feature`, `L+A+hydra`, `L+A+kangaroo`, `L+A+ppd`, `L+A+swift`, `L+A+self`, and
 * `L+A+model` of a second model, which has the row `L+A+s2d` besides, by its exits or whole. The
 * row `all` asks all of them, each by itself or all as one, and whatever it costs all as one.
 * Without `--draft` there is the layer in models/heads, where it was trained for this very model.
 * The model is stored in `int4`; what was trained for it serves every form.
 *
 * Networks draft over the end of a long text (`gpu-backend/drafters`). Trees are sized as
 * the service sizes them, or have `--nodes` nodes whatever they cost, networks asked in `--passes`
 * passes, as on a GPU that has all for nothing. `--simulate` counts time as an 8B model on an H100
 * takes it (`drafters/simulated.ts`): acceptance is measured, time is said. The rows in
 * `--free` are asked again whatever they cost, with 32 nodes: what is there to be had.
 *
 * With `--json` each table is at `grounded` or `ungrounded`, the temperature, the row.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AddOptions, addModel } from '../gpu-backend/builder/add-model.ts';
import type { ModelFolder } from '../gpu-backend/builder/model-folder.ts';
import { QUANTIZATION_CHOICES } from '../gpu-backend/builder/quantization.ts';
import { readSafetensorsFile } from '../gpu-backend/builder/safetensors.ts';
import { DEFAULT_CACHE_FOLDER, openEngine } from '../gpu-backend/engine/open.ts';
import { namesIn, promptTokensIn, readsHidden } from '../gpu-backend/open-drafters.ts';
import { ROOT } from '../local/root.ts';
import { composePrompt } from '../src/generate/prompt.ts';
import { PromptLayout, type PromptModel } from '../src/generate/prompt-layout.ts';
import { createTokenizer } from '../src/model/tokenizer.ts';
import { type Asked, measure, type Table } from './drafters/measure.ts';
import { grounded, ungrounded } from './drafters/prompts.ts';
import { namesOf, rowsWith } from './drafters/rows.ts';
import { machine } from './engine/setup.ts';

const CONTEXT = 2048;
/** The layer that is kept for a model. */
const KEPT_LAYER = join(ROOT, 'models/heads/smollm2-135m/feature.safetensors');
/** Of each step of the rows in `--free`. */
const FREE_NODES = 32;

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    json: { type: 'boolean', default: false },
    prompts: { type: 'string', default: '40' },
    tokens: { type: 'string', default: '128' },
    temperatures: { type: 'string', default: '0,0.8' },
    rows: { type: 'string' },
    draft: { type: 'string' },
    'draft-quantize': { type: 'string' },
    simulate: { type: 'boolean', default: false },
    threads: { type: 'string', default: String(availableParallelism()) },
    quantize: { type: 'string', default: 'int4' },
    nodes: { type: 'string' },
    passes: { type: 'string', default: '4' },
    free: { type: 'string' },
  },
});

async function main(file: string): Promise<void> {
  const add = (form: string | undefined): AddOptions => ({
    cacheFolder: DEFAULT_CACHE_FOLDER,
    compute: 'float32',
    quantization: QUANTIZATION_CHOICES.find((choice) => choice === form),
  });
  for (const form of [values.quantize, values['draft-quantize']]) {
    if (form && !add(form).quantization)
      throw new Error(`no form ${form}: ${QUANTIZATION_CHOICES}`);
  }
  const target = await addModel(file, add(values.quantize));
  const model = readModel(target.path);
  const threads = Number(values.threads);
  const given = namesIn(values.draft);
  const names = given.length > 0 ? given : keptLayer(target);
  const rows = values.rows?.split(',') ?? rowsWith(names);
  const freeRows = values.free?.split(',') ?? [];
  const asked = [...new Set([...rows, ...freeRows].flatMap((row) => namesOf(row, names)))];
  const hiddenOutput = readsHidden(asked);
  const promptTokens = promptTokensIn(asked, target);
  const settings = { slots: 2, maxContext: CONTEXT, threads, hiddenOutput, promptTokens };
  const engine = await openEngine(target.path, settings);
  const bench = {
    target,
    engine,
    settings: { threads },
    add: add(values['draft-quantize']),
    names,
  };
  const answers = { tokens: Number(values.tokens), stopIds: new Set(model.eosIds) };
  const passes = positive('passes', values.passes);
  const priced: Asked = {
    ...answers,
    rows,
    fixed: values.nodes ? { nodes: positive('nodes', values.nodes), passes } : undefined,
    simulate: values.simulate,
  };
  const fixed = { nodes: FREE_NODES, passes };
  const free: Asked = { ...answers, rows: freeRows, fixed, simulate: false };
  const count = Number(values.prompts);
  const kinds = { ungrounded: ungrounded(count), grounded: grounded(count) };
  const tables: Record<string, Record<string, Table>> = { ungrounded: {}, grounded: {} };
  for (const temperature of values.temperatures.split(',').map(Number)) {
    for (const [kind, questions] of Object.entries(kinds)) {
      const prompts = await Promise.all(questions.map((question) => promptFor(model, question)));
      const ways = {
        '': priced,
        ...(freeRows.length > 0 && { [`, ${FREE_NODES} free nodes`]: free }),
      };
      for (const [name, way] of Object.entries(ways)) {
        const table = await measure(bench, prompts, temperature, way);
        tables[kind]![`${temperature}${name}`] = table;
        if (!values.json) print(`${kind} at ${temperature}${name}`, table);
      }
    }
  }
  engine.close();
  if (values.json) {
    const isFixed = priced.fixed || freeRows.length > 0;
    const settings = {
      prompts: count,
      tokens: answers.tokens,
      threads,
      ...(isFixed && { passes }),
    };
    console.log(
      JSON.stringify({ model: target.manifest.name, machine: machine(), settings, ...tables }),
    );
  }
}

function positive(name: string, value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count > 0) return count;
  throw new Error(`--${name} must be 1 or more, not "${value}"`);
}

/** The layer in models/heads, where it was trained for this very model. */
function keptLayer({ manifest }: ModelFolder): string[] {
  const { weights } = readSafetensorsFile(KEPT_LAYER).metadata;
  return weights === manifest.fingerprints.weights ? [KEPT_LAYER] : [];
}

type Model = ReturnType<typeof readModel>;

function readModel(folder: string) {
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const { eos_token_id: eos } = read('config.json');
  return {
    ...createTokenizer(read('tokenizer.json'), read('tokenizer_config.json')),
    eosIds: (Array.isArray(eos) ? eos : [eos]) as number[],
    prompt: read('manifest.json').prompt as PromptModel['prompt'],
  };
}

async function promptFor(model: Model, question: string): Promise<Int32Array> {
  const messages = [{ role: 'user', content: question }];
  const layout = await PromptLayout.of(model, { messages }, CONTEXT);
  return (await composePrompt(layout, [], [], { comfortable: CONTEXT, most: CONTEXT })).tokens;
}

function print(key: string, table: Table): void {
  console.log(key);
  for (const [name, { mat, tokensPerSecond, draftMs, nodesPerStep }] of Object.entries(table)) {
    console.log(
      `  ${name.padEnd(8)} ${mat.toFixed(2)} tokens a step, ${tokensPerSecond.toFixed(1)} a second, ` +
        `${nodesPerStep.toFixed(1)} nodes a step, ${draftMs.toFixed(2)} ms a draft`,
    );
  }
}

if (!values.model) {
  console.error('Name a model: --model FILE.gguf');
  process.exitCode = 2;
} else {
  await main(values.model);
}

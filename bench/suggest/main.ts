/**
 * Several short suggestions of the draft model: by Superposed Decoding, as
 * `suggest` makes them, against a beam and nucleus samples of the same model.
 *
 *   npm run bench:suggest [-- --json] [-- --n 3] [-- --tokens 10] [-- --alphas 0,0.5,0.7]
 *
 * A text is the beginning of an answer that the target gave to a question about
 * the bundled docs, none of which any part was trained on: `grounded` with the
 * passages before the question, `ungrounded` without, `stores` without, where the
 * tenant's stores have the passages. All methods take turns text by text. Passes
 * and milliseconds are those behind the context, which all have to read alike.
 * A suggestion is judged by the target: its perplexity, and how many of its
 * tokens the target would have written, the best of a text's counting.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-web/wasm';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { ROOT } from '../../local/root.ts';
import { Mixer } from '../../src/draft/blend/mixer.ts';
import { Source } from '../../src/draft/source.ts';
import { MAX_CONTEXT } from '../../src/draft/stores/session-store.ts';
import type { Span } from '../../src/draft/stores/span-store.ts';
import { SuperposedDrafts } from '../../src/draft/superposed.ts';
import type { EdgeModel } from '../../src/generate/draft-model/edge-model.ts';
import { EdgeReader } from '../../src/generate/draft-model/edge-reader.ts';
import { WORKER_STORES } from '../../src/memory/objects/mixer-weights.ts';
import { TurnDrafter } from '../../src/memory/turn/turn-drafter.ts';
import { readTraces } from '../replay/traces.ts';
import { median } from '../statistics.ts';
import { Branches } from './branches.ts';
import { Target } from './target.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean' },
    n: { type: 'string', default: '3' },
    tokens: { type: 'string', default: '10' },
    alphas: { type: 'string', default: '0,0.5,0.7' },
    texts: { type: 'string', default: '60' },
  },
});
const COUNT = Number(options.n);
const LENGTH = Number(options.tokens);
const ALPHAS = options.alphas.split(',').map(Number);
/** Tokens of its answer that the target has written already. */
const BEGUN = 6;
const SEED = 20_261_125;

interface Text {
  tokens: Int32Array;
  /** What the stores say about its end. */
  spans: Span[];
  /** How the target goes on. */
  own: number[];
}

interface Outcome {
  drafts: readonly (readonly number[])[];
  passes: number;
  ms: number;
}

class Total {
  private readonly ms: number[] = [];
  private passes = 0;
  private logProb = 0;
  private tokens = 0;
  private agreed = 0;

  add({ passes, ms }: Outcome, judged: Awaited<ReturnType<Target['judge']>>): void {
    this.ms.push(ms);
    this.passes += passes;
    this.logProb += judged.logProb;
    this.tokens += judged.tokens;
    this.agreed += judged.agreed;
  }

  figures() {
    const { ms, passes, logProb, tokens, agreed } = this;
    return {
      passes: round(passes / ms.length),
      ms: round(median(ms)),
      perplexity: round(Math.exp(-logProb / tokens)),
      agreed: round(agreed / ms.length),
    };
  }
}

type Figures = ReturnType<Total['figures']>;

const cacheFolder = mkdtempSync(join(tmpdir(), 'espalier-bench-'));
const engine = await openEngine(join(ROOT, 'models/target'), {
  slots: 1,
  maxContext: 2048,
  threads: 1,
  cacheFolder,
});
const target = new Target(engine);
const { eosIds } = readModelFolder(join(ROOT, 'models/target'));
const endIds = new Set(eosIds);
ort.env.wasm.numThreads = 1;
const read = (name: string) => readFileSync(join(ROOT, 'models/draft', name));
const model: EdgeModel = {
  facts: JSON.parse(read('edge.json').toString()),
  session: await ort.InferenceSession.create(read('edge.onnx')),
  Tensor: ort.Tensor,
};

const [conversations = []] = readTraces(join(ROOT, 'bench/data/replay')).values();
const chosen = spread(conversations, Number(options.texts));

/** What a tenant's mixer has learned from other answers, with passages and without. */
const learned = new Mixer(WORKER_STORES);
for (const { turns } of conversations.filter((conversation) => !chosen.includes(conversation))) {
  const { prompt, response, regions } = turns[0]!;
  const drafter = new TurnDrafter(learned);
  for (const [text, known] of [
    [prompt, regions],
    [questionOf(prompt), []],
  ] as const) {
    drafter.begin(text, known);
    drafter.commit(response);
  }
}

async function textsOf(): Promise<Record<'grounded' | 'ungrounded' | 'stores', Text[]>> {
  const texts = { grounded: [] as Text[], ungrounded: [] as Text[], stores: [] as Text[] };
  for (const { turns } of chosen) {
    const { prompt, response, regions } = turns[0]!;
    if (response.length >= BEGUN + LENGTH) {
      const own = [...response.subarray(BEGUN, BEGUN + LENGTH)];
      texts.grounded.push({ tokens: concat(prompt, response.subarray(0, BEGUN)), spans: [], own });
    }
    const question = questionOf(prompt);
    const answer = await target.write(question, BEGUN + LENGTH, eosIds);
    if (answer.length < BEGUN + LENGTH) continue;
    const tokens = concat(question, Int32Array.from(answer.slice(0, BEGUN)));
    const own = answer.slice(BEGUN);
    const spans = regions.map(({ start, end }) => ({
      source: Source.corpus,
      begins: false,
      tokens: prompt.slice(start, end),
    }));
    texts.ungrounded.push({ tokens, spans: [], own });
    texts.stores.push({ tokens, spans, own });
  }
  return texts;
}

/** As in `suggest`: the end of the text is what the stores follow. */
async function superposed({ tokens, spans }: Text, alpha: number): Promise<Outcome> {
  const reader = new EdgeReader(model, tokens.length + LENGTH);
  const logits = await reader.readText(tokens);
  const contextPasses = reader.passes;
  const started = performance.now();
  const mixer = new Mixer(WORKER_STORES);
  mixer.weights.set(learned.weights);
  mixer.energy.set(learned.energy);
  const drafter = new TurnDrafter(mixer);
  const end = Math.max(0, tokens.length - MAX_CONTEXT);
  drafter.begin(tokens.subarray(0, end), []);
  drafter.learn(spans);
  drafter.commit(tokens.subarray(end));
  const options = { drafts: COUNT, alpha, endIds, heard: drafter.heard };
  const drafts = new SuperposedDrafts(drafter.stores, drafter.mixer, tokens.at(-1)!, options);
  drafts.extend(logits);
  for (let i = 1; i < LENGTH && drafts.input; i++) drafts.extend(await reader.read(drafts.input));
  const ms = performance.now() - started;
  const found = drafts.drafts.map((draft) => draft.tokens);
  return { drafts: found, passes: reader.passes - contextPasses, ms };
}

async function branched(
  { tokens }: Text,
  write: (branches: Branches) => Promise<{ tokens: readonly number[] }[]>,
): Promise<Outcome> {
  const branches = new Branches(model, tokens, 8 * COUNT * LENGTH, endIds);
  await branches.readContext();
  const started = performance.now();
  const drafts = await write(branches);
  const ms = performance.now() - started;
  return { drafts: drafts.map((draft) => draft.tokens), passes: branches.passes, ms };
}

const random = generator(SEED);
const methods: Record<string, (text: Text) => Promise<Outcome>> = {
  ...Object.fromEntries(
    ALPHAS.map((alpha) => [`superposed, α ${alpha}`, (text: Text) => superposed(text, alpha)]),
  ),
  beam: (text) => branched(text, (branches) => branches.beam(COUNT, LENGTH)),
  'nucleus, one by one': (text) =>
    branched(text, (branches) => branches.nucleus(COUNT, LENGTH, random)),
};

async function compare(texts: readonly Text[]): Promise<Record<string, Figures>> {
  const names = Object.keys(methods);
  const totals = Object.fromEntries(names.map((name) => [name, new Total()]));
  for (const [round, text] of texts.entries()) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      const outcome = await methods[name]!(text);
      totals[name]!.add(outcome, await target.judge(text.tokens, outcome.drafts, text.own));
    }
  }
  return Object.fromEntries(names.map((name) => [name, totals[name]!.figures()]));
}

const texts = await textsOf();
const groups: Record<string, Record<string, Figures>> = {};
for (const [group, some] of Object.entries(texts)) groups[group] = await compare(some);
engine.close();
rmSync(cacheFolder, { recursive: true });
if (options.json) {
  const counts = Object.fromEntries(
    Object.entries(texts).map(([group, { length }]) => [group, length]),
  );
  const load = round(loadavg()[0]!);
  console.log(JSON.stringify({ n: COUNT, tokens: LENGTH, texts: counts, ...groups, load }));
} else {
  for (const [group, figures] of Object.entries(groups)) {
    const samples = figures['nucleus, one by one']!.ms;
    console.log(`\n${group.padEnd(24)} passes      ms   × nucleus   perplexity   agreed`);
    for (const [name, { passes, ms, perplexity, agreed }] of Object.entries(figures)) {
      const cells = [passes, ms, samples / ms, perplexity, agreed].map((cell) => cell.toFixed(2));
      console.log(`  ${name.padEnd(22)}${cells.map((cell) => cell.padStart(9)).join(' ')}`);
    }
  }
}

/** The question alone, as the template has a conversation without a system message. */
function questionOf(prompt: Int32Array): Int32Array {
  return prompt.subarray(prompt.indexOf(prompt[0]!, 1));
}

function concat(a: Int32Array, b: Int32Array): Int32Array {
  const whole = new Int32Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

/** `count` of a list, evenly over it. */
function spread<T>(list: readonly T[], count: number): T[] {
  const most = Math.min(count, list.length);
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]!);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** In [0, 1), the same in every run. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

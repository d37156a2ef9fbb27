/** `espalier model check --text`: what a model's stored form costs, on a text, against its weights in float32. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { type AddOptions, addModel, storedForm } from '../builder/add-model.ts';
import type { ModelFolder } from '../builder/model-folder.ts';
import type { Quantization } from '../builder/quantization.ts';
import { readJsonObject } from '../builder/read-json.ts';
import { readTokenizerConfig } from '../builder/tokenizer-config.ts';
import type { Engine } from '../engine/engine.ts';
import { type EngineOptions, openEngine } from '../engine/open.ts';
import { type Likeness, LikenessTally } from './likeness.ts';

/** Tokens that are read at a stretch, at most; each window begins with nothing before it. */
const WINDOW = 512;
/** Rows whose logits are wanted at once: of a large vocabulary a row is more than half a megabyte. */
const ROWS = 64;

export interface TextCheck {
  file: string;
  /** Of the text's beginning, at most. */
  tokens: number;
  onProgress: (done: number, total: number) => void;
}

/** Checks `source`, which may be whatever can be added as a model; resolves with the exit code. */
export async function checkText(
  source: string,
  add: AddOptions,
  settings: EngineOptions,
  check: TextCheck,
): Promise<number> {
  const model = await addModel(source, add);
  const form = storedForm(model, add.quantization);
  const tokens = encode(model, readFileSync(check.file, 'utf8')).slice(0, check.tokens);
  if (tokens.length < 2) throw new Error(`${check.file} has no two tokens to go by`);
  const options = { ...settings, compute: add.compute, cacheFolder: add.cacheFolder };
  const found = await compare(model, form, options, tokens, check.onProgress);
  const change = 100 * (found.perplexity / found.reference - 1);
  console.log(`${model.manifest.name} as ${form} against float32, ${found.positions} tokens`);
  console.log(
    `perplexity      ${found.reference.toFixed(3)} → ${found.perplexity.toFixed(3)} (${change < 0 ? '' : '+'}${change.toFixed(2)} %)`,
  );
  console.log(`KL divergence   ${found.divergence.toFixed(5)}`);
  console.log(`most likely     ${(100 * found.agreement).toFixed(1)} % the same token`);
  return 0;
}

function encode({ path, config }: ModelFolder, text: string): number[] {
  const json = readJsonObject(join(path, 'tokenizer.json'));
  const tokenizer = new Tokenizer(json, readTokenizerConfig(path));
  const { ids } = tokenizer.encode(text, { add_special_tokens: false });
  const beyond = ids.find((id) => id >= config.vocabSize);
  if (beyond === undefined) return ids;
  throw new Error(`${path}: tokenizer.json gives the token ${beyond} of ${config.vocabSize}`);
}

async function compare(
  { path }: ModelFolder,
  quantization: Quantization,
  options: EngineOptions,
  tokens: readonly number[],
  onProgress: (done: number, total: number) => void,
): Promise<Likeness> {
  const shared = { ...options, slots: 1, maxContext: WINDOW };
  const reference = await openEngine(path, { ...shared, quantization: 'none' });
  try {
    const engine = await openEngine(path, { ...shared, quantization });
    try {
      const tally = new LikenessTally(engine.limits.vocabSize);
      const size = engine.limits.maxContext;
      for (let from = 0; from < tokens.length; from += size) {
        const window = tokens.slice(from, from + size);
        await compareWindow(reference, engine, window, tally);
        onProgress(from + window.length, tokens.length);
      }
      return tally.found();
    } finally {
      engine.close();
    }
  } finally {
    reference.close();
  }
}

async function compareWindow(
  reference: Engine,
  engine: Engine,
  window: readonly number[],
  tally: LikenessTally,
): Promise<void> {
  const readers = [reference, engine].map((one) => new WindowReader(one, window));
  for (let from = 0; from < window.length; from += ROWS) {
    const [expected, found] = [await readers[0]!.read(from), await readers[1]!.read(from)];
    tally.add(expected, found, window.slice(from + 1, from + 1 + ROWS));
  }
  for (const reader of readers) reader.release();
}

/** One engine's way through a window. */
class WindowReader {
  private readonly engine: Engine;
  private readonly window: readonly number[];
  private readonly slot;

  constructor(engine: Engine, window: readonly number[]) {
    this.engine = engine;
    this.window = window;
    // The only slot, as long as the longest window.
    this.slot = engine.acquire(Int32Array.of(window[0]!), window.length, 'text')!;
  }

  /** The logits of up to `ROWS` tokens, valid until the engine's next step. */
  async read(from: number): Promise<Float32Array> {
    const tokens = Int32Array.from(this.window.slice(from, from + ROWS));
    const rows = [...tokens.keys()];
    const parents = Int16Array.from(rows, (row) => row - 1);
    const { slot } = this;
    const step = { slot, count: tokens.length, tokens, parents, logitsFrom: 0 };
    const row = { ...step, logits: new Float32Array(0) };
    await this.engine.step([row]);
    this.engine.commit(slot, rows, rows.length);
    return row.logits;
  }

  release(): void {
    this.engine.release(this.slot);
  }
}

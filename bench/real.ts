/**
 * A real model as a GGUF file, here and in llama.cpp (node-llama-cpp's prebuilt
 * library), taking turns in one run: reading a prompt, plain decoding, and
 * answers through the whole service with drafting on and off.
 *
 *   npm run -s bench:real -- --model FILE.gguf [--json] [--rounds 3] [--tokens 96]
 *                            [--threads CORES] [--questions COUNT] [--quantize auto]
 *
 * Speeds are tokens a second. Prompts and answers count apart, and no prompt
 * finds an earlier one's prefix, on either side.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { addModel } from '../gpu-backend/builder/add-model.ts';
import { QUANTIZATION_CHOICES } from '../gpu-backend/builder/quantization.ts';
import { DEFAULT_CACHE_FOLDER, openEngine } from '../gpu-backend/engine/open.ts';
import { createTokenizer, type ModelTokenizer } from '../src/model/tokenizer.ts';
import { machine } from './engine/setup.ts';
import { type AnswerSpeeds, type Asking, measureAnswers } from './real/answers.ts';
import { LlamaProcess } from './real/llama-process.ts';
import { runOwn } from './real/own-engine.ts';
import { FILLER, GROUNDED, UNGROUNDED } from './real/questions.ts';
import { decodeRate, prefillRate, type Run } from './real/run.ts';
import { startRealService } from './real/service.ts';

const PROMPT_TOKENS = 512;
/** Prompts with passages and answers. */
const CONTEXT = 4096;

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    tokens: { type: 'string', default: '96' },
    threads: { type: 'string', default: String(availableParallelism()) },
    quantize: { type: 'string', default: 'auto' },
    questions: { type: 'string', default: String(GROUNDED.length) },
  },
});

interface Compared {
  ours: number;
  llamacpp: number;
  ratio: number;
}

interface Report {
  model: string;
  prefill: Compared;
  decode: Compared;
  grounded: AnswerSpeeds;
  ungrounded: AnswerSpeeds;
  machine: ReturnType<typeof machine>;
}

async function main(file: string): Promise<Report> {
  const [rounds, maxTokens, threads] = [values.rounds, values.tokens, values.threads].map(Number);
  const { path, manifest } = await addModel(file, {
    cacheFolder: DEFAULT_CACHE_FOLDER,
    compute: 'float32',
    quantization: QUANTIZATION_CHOICES.find((choice) => choice === values.quantize),
  });
  const tokenizer = readTokenizer(path);
  const llama = await LlamaProcess.start(file, threads!, CONTEXT);
  try {
    const bare = await compareEngines(path, tokenizer, llama, rounds!, maxTokens!, threads!);
    const service = await startRealService(path, threads!);
    try {
      const asking: Asking = {
        service,
        llama,
        count: (text) => tokenizer.encode(text).length,
        rounds: rounds!,
        maxTokens: maxTokens!,
      };
      const some = (questions: string[]) => questions.slice(0, Number(values.questions));
      return {
        model: manifest.name,
        machine: machine(),
        ...bare,
        grounded: await measureAnswers(asking, some(GROUNDED), {}),
        ungrounded: await measureAnswers(asking, some(UNGROUNDED), { vector_store_ids: [] }),
      };
    } finally {
      await service.stop();
    }
  } finally {
    llama.stop();
  }
}

function readTokenizer(folder: string): ModelTokenizer {
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  return createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
}

async function compareEngines(
  model: string,
  tokenizer: ModelTokenizer,
  llama: LlamaProcess,
  rounds: number,
  maxTokens: number,
  threads: number,
): Promise<{ prefill: Compared; decode: Compared }> {
  const text = FILLER.repeat(Math.ceil(PROMPT_TOKENS / 8));
  const prompt = [...tokenizer.encode(text).slice(0, PROMPT_TOKENS)];
  const engine = await openEngine(model, { slots: 1, maxContext: CONTEXT, threads });
  const runs: Record<'ours' | 'llamacpp', Run[]> = { ours: [], llamacpp: [] };
  const contestants = {
    ours: () => runOwn(engine, prompt, maxTokens),
    llamacpp: () => llama.run({ prompt, maxTokens, ignoreEnd: true }),
  };
  try {
    for (const run of Object.values(contestants)) await run();
    for (let round = 0; round < rounds; round++) {
      const order =
        round % 2 === 0 ? (['ours', 'llamacpp'] as const) : (['llamacpp', 'ours'] as const);
      for (const name of order) runs[name].push(await contestants[name]());
    }
  } finally {
    engine.close();
  }
  const compare = (measure: (of: readonly Run[]) => number): Compared => {
    const [ours, llamacpp] = [measure(runs.ours), measure(runs.llamacpp)];
    return { ours, llamacpp, ratio: ours / llamacpp };
  };
  return { prefill: compare(prefillRate), decode: compare(decodeRate) };
}

function print({ model, prefill, decode, grounded, ungrounded }: Report): void {
  const speed = (tokens: number) => tokens.toFixed(1).padStart(9);
  console.log(`${model}, ${values.threads} threads, tokens a second\n`);
  console.log('                   ours  llama.cpp   ratio');
  for (const [name, { ours, llamacpp, ratio }] of Object.entries({ prefill, decode })) {
    console.log(
      `${name.padEnd(12)} ${speed(ours)}  ${speed(llamacpp)} ${ratio.toFixed(2).padStart(7)} ×`,
    );
  }
  console.log(
    '\n              drafting   without  llama.cpp   on/off  on/llama.cpp  MAT  first text (llama.cpp)',
  );
  for (const [name, answers] of Object.entries({ grounded, ungrounded })) {
    const { on, off, llamacpp, onOverOff, onOverLlamacpp, mat, ttftMs, ttftLlamacppMs } = answers;
    console.log(
      `${name.padEnd(12)} ${speed(on)} ${speed(off)}  ${speed(llamacpp)} ${onOverOff.toFixed(2).padStart(8)} × ` +
        `${onOverLlamacpp.toFixed(2).padStart(9)} × ${mat.toFixed(2).padStart(6)}  ${ttftMs.toFixed(0)} ms (${ttftLlamacppMs.toFixed(0)} ms)`,
    );
    if (answers.different > 0) console.log(`${answers.different} answers differ with drafting`);
  }
}

if (!values.model) {
  console.error('usage: npm run -s bench:real -- --model FILE.gguf [--json]');
  process.exit(2);
}
const report = await main(resolve(values.model));
if (values.json) console.log(JSON.stringify(report));
else print(report);

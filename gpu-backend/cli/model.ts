/** `npx espalier model`: adds checkpoints and GGUF files, and checks what the engine makes of them. */
import { relative } from 'node:path';
import { type AddOptions, addModel } from '../builder/add-model.ts';
import { QUANTIZATION_CHOICES } from '../builder/quantization.ts';
import { UnsupportedModelError } from '../builder/unsupported.ts';
import { DEFAULT_CACHE_FOLDER } from '../engine/open.ts';
import { readEngineSettings } from '../engine/settings.ts';
import { checkExact } from './exact-check.ts';
import { checkGolden } from './golden-check.ts';
import { ProgressBar } from './progress-bar.ts';
import { runNeighbours, runReport } from './report-command.ts';
import { checkText } from './text-check.ts';
import { readArguments } from './usage.ts';

const MODEL_HELP = `Usage:
  npx espalier model add FOLDER | FILE.gguf | OWNER/NAME | OWNER/NAME:FILE.gguf | OWNER/NAME:Q4_K_M
                         [--quantize auto|int8|int4|none] [--type float32|float16]
                         [--revision BRANCH|TAG|COMMIT] [--hub URL]
      Makes a Hugging Face checkpoint (config.json and .safetensors) or a GGUF file a
      model of this instance. OWNER/NAME is downloaded; HF_TOKEN opens gated models.
      The short names of \`npm start -- --help\` stand for an OWNER/NAME each.
      auto, the default, is int8, or int4 where that is quicker on this CPU and keeps
      every block of a GGUF file; int4 rounds other matrices. With --type float16,
      which is for CUDA and for ESPALIER_TYPE=float16, auto keeps weights whole.
  npx espalier model check FOLDER
      Builds the checkpoint and compares it with the golden.json beside it: logits,
      argmax of every position, greedy continuation. Fails where they miss.
  npx espalier model check SOURCE --text FILE [--quantize FORMAT] [--tokens 2048]
      Compares the model as it is stored with its weights in float32, on a text:
      perplexity, KL divergence, and how often the most likely token is the same.
      SOURCE is whatever \`model add\` takes.
  npx espalier model check SOURCE --exact [--trees 200] [--seed 1] [--quantize FORMAT]
      Draws random trees and compares the logits of every node, bit for bit, with
      those of its path fed one token at a time. Fails where one differs. The engine's
      settings are those of the environment.
  npx espalier model report FOLDER [--text FILE | FOLDER] [--store ID [--url URL]] [--json]
      Says what the vocabulary holds by kind and script, and what languages, code and
      your own texts cost in tokens. ESPALIER_API_KEY opens the store.
  npx espalier model neighbours FOLDER
      Makes the table of neighbouring tokens that speculation.accept "relaxed" needs.`;

/** Runs the command; resolves with the exit code. */
export async function runModelCommand(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'report') return await runReport(argv.slice(1), MODEL_HELP);
  if (argv[0] === 'neighbours') return await runNeighbours(argv.slice(1), MODEL_HELP);
  const { positionals, values } = readArguments(MODEL_HELP, {
    args: [...argv],
    allowPositionals: true,
    options: {
      quantize: { type: 'string', default: 'auto' },
      type: { type: 'string', default: 'float32' },
      revision: { type: 'string' },
      hub: { type: 'string' },
      cache: { type: 'string', default: DEFAULT_CACHE_FOLDER },
      text: { type: 'string' },
      tokens: { type: 'string', default: '2048' },
      exact: { type: 'boolean', default: false },
      trees: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  const [verb, source] = positionals;
  if (values.help || !source || !(verb === 'add' || verb === 'check')) {
    console.log(MODEL_HELP);
    return values.help ? 0 : 2;
  }
  if (verb === 'check' && !values.exact && !values.text) return await check(source, values.cache);
  const bar = new ProgressBar(process.stderr);
  const options = addOptions(values, bar);
  if (verb === 'check' && values.text) {
    const onProgress = (done: number, total: number) => bar.count('tokens', done, total);
    const tokens = positive('tokens', values.tokens);
    const check = { file: values.text, tokens, onProgress };
    return await checkText(source, options, readEngineSettings(process.env), check);
  }
  if (verb === 'check') {
    const trees = positive('trees', values.trees);
    const onProgress = (done: number, total: number) => bar.count('trees', done, total);
    const plan = { trees, seed: positive('seed', values.seed), onProgress };
    return await checkExact(source, options, readEngineSettings(process.env), plan);
  }
  const model = await addModel(source, options);
  bar.finish();
  const { name, parameters, fingerprints } = model.manifest;
  console.log(`${name}: ${(parameters / 1e6).toFixed(1)} million parameters`);
  console.log(`fingerprint ${fingerprints.model}`);
  console.log(`use it with ESPALIER_MODEL=${relative(process.cwd(), model.path)} npm start`);
  return 0;
}

/** What the command's options say of how a model is added. */
interface AddValues {
  cache: string;
  quantize: string;
  type: string;
  hub?: string | undefined;
  revision?: string | undefined;
}

/** Throws `UnsupportedModelError` for a form or a type that there is not. */
function addOptions(
  { cache, quantize, type, hub, revision }: AddValues,
  bar: ProgressBar,
): AddOptions {
  const quantization = QUANTIZATION_CHOICES.find((choice) => choice === quantize);
  if (!quantization) {
    throw new UnsupportedModelError(`--quantize ${quantize}`, QUANTIZATION_CHOICES.join(', '));
  }
  if (type !== 'float32' && type !== 'float16') {
    throw new UnsupportedModelError(`--type ${type}`, 'float32, float16');
  }
  return {
    cacheFolder: cache,
    compute: type,
    quantization,
    download: { hubUrl: hub, revision, accessToken: process.env.HF_TOKEN },
    onProgress: (what, done, total) => bar.show(what, done, total),
  };
}

function positive(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number above 0, not "${text}"`);
}

async function check(folder: string, cacheFolder: string): Promise<number> {
  const report = await checkGolden(folder, cacheFolder);
  console.log(`${report.model}, weights stored as ${report.stored}`);
  console.log(
    `max |Δlogit|          ${report.maxLogitDifference.toExponential(2)} (at most ${report.tolerance.toExponential(2)})`,
  );
  console.log(`argmax                ${report.argmaxAgreements} of ${report.positions} positions`);
  console.log(`greedy continuation   ${report.greedyAgreements} of ${report.continuation} tokens`);
  console.log(report.passed ? 'agrees' : 'DIFFERS');
  return report.passed ? 0 : 1;
}

/**
 * The whole service on one machine: the verifier on ONNX Runtime's CPU provider,
 * the worker in `wrangler dev`, and Espalier's own docs as demo knowledge.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ProgressBar } from '../gpu-backend/cli/progress-bar.ts';
import { readJson } from './answers.ts';
import { ingestDemo, isDemoCurrent } from './demo.ts';
import { MODELS_HELP } from './models.ts';
import { StartError } from './process.ts';
import { ROOT } from './root.ts';
import { type Service, startService } from './service.ts';

const DEFAULT_PORT = 8787;
const DEFAULT_VERIFIER_PORT = 8788;
const STATE = '.espalier';
/** The line that waits for it is worth no longer wait. */
const HEALTH_MS = 5_000;
/** The worker's variables that are taken from the environment where it has them. */
const WORKER_VARS = ['EMBEDDER', 'DRAFT_MODEL', 'CORS_ORIGINS'];

function port(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65535) {
    throw new StartError(`${name}=${text} is not a port; use a number from 1 to 65535.`);
  }
  return value;
}

function readOptions() {
  try {
    return parseArgs({ options: { model: { type: 'string' }, help: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n\n${MODELS_HELP}`);
  }
}

/** `--model` of the command line, or the environment's; the bundled one where neither names any. */
function modelAsked(): string | undefined {
  const values = readOptions();
  if (values.help) {
    console.log(MODELS_HELP);
    process.exit(0);
  }
  return values.model || process.env.ESPALIER_MODEL || undefined;
}

function workerVars(): Record<string, string> {
  const set = WORKER_VARS.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  return Object.fromEntries(set);
}

let running: Service | null = null;
let stopping = false;

/** Also in the middle of a start: `startService` is told by the signal, and stops what it began. */
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  interrupted.abort();
  await running?.stop();
  if (running) process.exit(code);
}

const interrupted = new AbortController();
process.on('SIGINT', () => void stop(0));
process.on('SIGTERM', () => void stop(0));

async function main(): Promise<void> {
  const started = performance.now();
  const bar = new ProgressBar(process.stdout);
  const service = await startService({
    port: port('PORT', DEFAULT_PORT),
    verifierPort: port('VERIFIER_PORT', DEFAULT_VERIFIER_PORT),
    state: STATE,
    model: modelAsked(),
    vars: { ...workerVars(), ...(isDemoCurrent(STATE) ? {} : { DEMO: 'expected' }) },
    report: (line) => console.log(line),
    // A terminal gets a bar, a log a line now and then.
    onProgress: process.stdout.isTTY
      ? (what, done, total) => bar.show(what, done, total)
      : undefined,
    signal: interrupted.signal,
  }).finally(() => bar.finish());

  running = service;
  const report = (line: string) => {
    if (!stopping) console.error(line);
  };
  for (const half of [service.verifier, service.worker.process]) {
    void half.watch(report).then((message) => {
      report(message);
      void stop(1);
    });
  }

  const fresh = await ingestDemo(service.url, STATE, (line) => console.log(line));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const preparing = await preparationOf(service.url);
  console.log(`
Espalier is ready after ${seconds} s at ${service.url}

  The page      ${service.url}
  OpenAI's API  ${service.url}/v1   (any key; model "${service.model}")
  Health        ${service.url}/health
${fresh ? `\n  It answers from its own docs/ for now. Ask it: ${firstQuestion()}\n` : ''}${preparing}
Ctrl-C stops it.`);
}

/** The one that the page shows first. */
function firstQuestion(): string {
  return JSON.parse(readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'))[0];
}

/** A line about documents that were taken in for another model; empty where there are none. */
async function preparationOf(url: string): Promise<string> {
  const health = await readJson<{ passages?: { documents?: { ready: number; of: number } } }>(
    `${url}/health`,
    HEALTH_MS,
  );
  const documents = health?.passages?.documents;
  if (!documents) return '';
  const { ready, of } = documents;
  return `\n  It prepares ${of - ready} of ${of} documents for this model; ${url}/health counts them.\n`;
}

main().catch(async (error: unknown) => {
  if (!stopping) console.error(error instanceof StartError ? error.message : error);
  await running?.stop();
  process.exit(stopping ? 0 : 1);
});

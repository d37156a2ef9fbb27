/** Verifier and worker side by side, as `npm start`, the tests and the benchmarks run them. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { readJson } from './answers.ts';
import { migrate } from './database.ts';
import { type OnProgress, requireFreePort, StartError } from './process.ts';
import { ROOT } from './root.ts';
import type { Supervised } from './supervised.ts';
import { newLinkKeys, startVerifier } from './verifier.ts';
import { type LocalWorker, startWorker } from './worker.ts';

export interface ServiceOptions {
  port: number;
  verifierPort: number;
  /** Folder for databases, logs and caches; made if absent. */
  state: string;
  /** Model folder; the bundled target when absent. */
  model?: string | undefined;
  /** More of the worker's variables. */
  vars?: Record<string, string>;
  report?: (line: string) => void;
  /** How far a download or a conversion of the model is; without it `report` is told now and then. */
  onProgress?: OnProgress | undefined;
  /** Gives up a start that is under way; `stop` ends a service that runs. */
  signal?: AbortSignal;
}

export interface Service {
  url: string;
  verifierUrl: string;
  /** The model's id. */
  model: string;
  verifier: Supervised;
  worker: LocalWorker;
  stop(): Promise<void>;
}

/** Starts both and waits until they answer. Throws `StartError` with what to do. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { port, verifierPort, model, vars, signal, report = () => {}, onProgress } = options;
  const state = resolve(ROOT, options.state);
  await requireFreePort(port, 'PORT');
  await requireFreePort(verifierPort, 'VERIFIER_PORT');
  mkdirSync(state, { recursive: true });

  report('Starting the verifier and the worker …');
  const keys = newLinkKeys();
  const verifier = startVerifier({
    ...{ port: verifierPort, state, model, keys, onProgress },
    // How far a download or a conversion is; what else it writes is for its log.
    onLine: (line) => {
      if (!onProgress && /^(download|convert) \d/.test(line)) report(`  ${line}`);
    },
  });
  const verifierUrl = `http://127.0.0.1:${verifierPort}`;
  let worker: LocalWorker | undefined;
  const stop = async () => {
    await Promise.all([worker?.stop(), verifier.stop()]);
  };
  signal?.addEventListener('abort', () => void stop());
  const startedWorker = (async () => {
    await migrate(state);
    signal?.throwIfAborted();
    worker = await startWorker({ port, verifierUrl, state, keys, ...(vars && { vars }) });
    return worker;
  })();
  try {
    await Promise.all([verifier.ready(), startedWorker]);
    const health = await readJson<{ model: string }>(`${verifierUrl}/health`, ANSWERING_MS);
    if (!health) throw new StartError(`The verifier can't answer: ${verifierUrl}/health is silent`);
    await requireAnswering(`http://127.0.0.1:${port}`);
    return {
      url: `http://localhost:${port}`,
      verifierUrl,
      model: health.model,
      verifier,
      worker: await startedWorker,
      stop,
    };
  } catch (error) {
    // The verifier failed while the worker was still on its way.
    await startedWorker.catch(() => {});
    await stop();
    throw error;
  }
}

/** Time that two halves which run may take to answer together. */
const ANSWERING_MS = 30_000;
/** After this `/health` is asked again: an answer of `wrangler dev` may be lost. */
const HEALTH_MS = 10_000;
const POLL_MS = 500;

/** Of what `/health` answers, what a start looks at: its documents come later. */
interface HealthReport {
  checks: Record<'database' | 'verifier', { ok: boolean; reason?: string }>;
}

/**
 * Throws a `StartError` where both run and yet nothing can be answered: of a template that can't be
 * read, say. Both limits are parameters for tests.
 */
export async function requireAnswering(
  url: string,
  withinMs = ANSWERING_MS,
  healthMs = HEALTH_MS,
): Promise<void> {
  for (const deadline = Date.now() + withinMs; ; ) {
    const health = await readJson<HealthReport>(`${url}/health`, healthMs);
    const failed = health && [health.checks.database, health.checks.verifier].find(({ ok }) => !ok);
    if (health && !failed) return;
    if (Date.now() > deadline) {
      throw new StartError(`Espalier can't answer: ${failed?.reason ?? `${url}/health is silent`}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

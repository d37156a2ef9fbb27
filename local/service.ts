/** Verifier and worker side by side, as `npm start`, the tests and the benchmarks run them. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Child, requireFreePort, StartError, startProcess, untilHealthy } from './process.ts';
import { ROOT } from './root.ts';
import { WRANGLER, WRANGLER_ENV } from './wrangler.ts';

const VERIFIER_READY_MS = 120_000;
const WORKER_READY_MS = 60_000;

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
  /** Gives up a start that is under way; `stop` ends a service that runs. */
  signal?: AbortSignal;
}

/** A verifier as a process. */
export interface VerifierSetup {
  port: number;
  state: string;
  model?: string | undefined;
  /** `LINK_KEYS`, of worker and verifier alike. */
  keys: string;
  /** Addresses of this verifier in the worker's eyes, where they are not its own. */
  audience?: string;
  /** Names its log file. */
  name?: string;
}

export interface Service {
  url: string;
  verifierUrl: string;
  /** The model's id. */
  model: string;
  verifier: Child;
  worker: Child;
  /** Resolves with a message when one of the two ends by itself. */
  failed: Promise<string>;
  stop(): Promise<void>;
}

/** Starts both and waits until they answer. Throws `StartError` with what to do. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { port, verifierPort, report = () => {} } = options;
  const state = resolve(ROOT, options.state);
  await requireFreePort(port, 'PORT');
  await requireFreePort(verifierPort, 'VERIFIER_PORT');
  mkdirSync(state, { recursive: true });

  report('Starting the verifier and the worker …');
  const keys = newLinkKeys();
  const verifier = startVerifierProcess({ port: verifierPort, state, model: options.model, keys });
  let worker: Child | undefined;
  const stop = async () => {
    await Promise.all([worker?.stop(), verifier.stop()]);
  };
  options.signal?.addEventListener('abort', () => void stop());
  try {
    const verifierUrl = `http://127.0.0.1:${verifierPort}`;
    await Promise.all([
      untilHealthy(
        'verifier',
        `${verifierUrl}/health`,
        verifier,
        logFile(state, 'verifier'),
        VERIFIER_READY_MS,
      ),
      migrate(state).then(() => {
        options.signal?.throwIfAborted();
        worker = startWorkerProcess(port, verifierUrl, state, keys, options.vars);
        return untilHealthy(
          'worker',
          `http://127.0.0.1:${port}/health/live`,
          worker,
          logFile(state, 'worker'),
          WORKER_READY_MS,
        );
      }),
    ]);
    const health = (await (await fetch(`${verifierUrl}/health`)).json()) as { model: string };
    return {
      url: `http://localhost:${port}`,
      verifierUrl,
      model: health.model,
      verifier,
      worker: worker!,
      failed: Promise.race([
        verifier.ended.then((tail) => `The verifier stopped:\n${tail}`),
        worker!.ended.then((tail) => `The worker stopped:\n${tail}`),
      ]),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export function logFile(state: string, name: string): string {
  return join(state, 'logs', `${name}.log`);
}

/** A key that lives as long as the service: whoever else is on this machine can't use the verifier. */
export function newLinkKeys(): string {
  return `local:${randomBytes(32).toString('base64url')}`;
}

/** The verifier alone; `untilHealthy` on `/health` says when it is up. */
export function startVerifierProcess(setup: VerifierSetup): Child {
  return startProcess({
    args: ['--import', 'tsx', join(ROOT, 'gpu-backend/main.ts')],
    cwd: ROOT,
    env: {
      HOST: '127.0.0.1',
      PORT: String(setup.port),
      LINK_KEYS: setup.keys,
      ...(setup.audience ? { LINK_AUDIENCE: setup.audience } : {}),
      ...(setup.model ? { ESPALIER_MODEL: setup.model } : {}),
    },
    log: logFile(setup.state, setup.name ?? 'verifier'),
  });
}

/** The worker alone. `verifierUrl`: one or several, separated by commas. */
export function startWorkerProcess(
  port: number,
  verifierUrl: string,
  state: string,
  keys: string,
  vars: Record<string, string> = {},
): Child {
  // A file, as arguments can be read by everybody on the machine.
  const secrets = join(state, 'secrets.env');
  writeFileSync(secrets, `LINK_KEYS=${keys}\n`, { mode: 0o600 });
  // It listens on loopback alone, so programs on this machine may do without a key.
  const settings = { VERIFIER_URL: verifierUrl, KEYLESS: 'loopback', ...vars };
  return startProcess({
    args: [
      WRANGLER,
      'dev',
      ...['--port', String(port), '--ip', '127.0.0.1', '--inspector-port', '0'],
      ...['--persist-to', join(state, 'wrangler'), '--env-file', secrets],
      ...Object.entries(settings).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
      ...['--show-interactive-dev-session=false', '--log-level', 'warn'],
    ],
    cwd: ROOT,
    env: WRANGLER_ENV,
    log: logFile(state, 'worker'),
  });
}

/** Applies `migrations/` to the local D1, unless they were applied as they are. */
export async function migrate(state: string): Promise<void> {
  const folder = join(ROOT, 'migrations');
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true }).map(String).sort()) {
    if (name.endsWith('.sql')) hash.update(name).update(readFileSync(join(folder, name)));
  }
  const applied = hash.digest('hex');
  const marker = join(state, 'migrated');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === applied) return;
  const run = startProcess({
    args: [
      WRANGLER,
      ...['d1', 'migrations', 'apply', 'DB', '--local'],
      ...['--persist-to', join(state, 'wrangler')],
    ],
    cwd: ROOT,
    env: WRANGLER_ENV,
    log: logFile(state, 'migrations'),
  });
  const tail = await run.ended;
  if (run.exitCode() !== 0) throw new StartError(`The database could not be migrated:\n${tail}`);
  writeFileSync(marker, applied);
}

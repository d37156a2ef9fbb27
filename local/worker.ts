/** The worker in `wrangler dev` as a process on this machine, behind its front. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { databasesIn } from './database.ts';
import { startFront } from './front.ts';
import { freePort, logFile, startProcess } from './process.ts';
import { ROOT } from './root.ts';
import { Supervised } from './supervised.ts';
import { WRANGLER, WRANGLER_ENV } from './wrangler.ts';

const READY_MS = 180_000;

export interface WorkerSetup {
  /** Where clients come in. */
  port: number;
  /** One verifier or several, separated by commas. */
  verifierUrl: string;
  /** Folder for databases and logs. */
  state: string;
  /** `LINK_KEYS`; without, links are not sealed. */
  keys?: string;
  /** More of the worker's variables. */
  vars?: Record<string, string>;
  /** Of another worker than the service's. */
  config?: string;
  /** `log`: what the worker logs of requests and answers is printed too. */
  logLevel?: 'log' | 'warn';
}

export interface LocalWorker {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Where `wrangler dev` listens behind the front, for tests of what it gives away. */
  runtimeUrl: string;
  /** Folder of its databases. */
  databases: string;
  process: Supervised;
  /** Of `wrangler dev`. */
  readonly pid: number;
  /** What `wrangler dev` has printed since its last start. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts it, for a database that is migrated, and waits until it answers. Throws a `StartError`. */
export async function startWorker(setup: WorkerSetup): Promise<LocalWorker> {
  const { port, verifierUrl, state, keys, vars = {}, config = 'wrangler.toml' } = setup;
  const { logLevel = 'warn' } = setup;
  const workerPort = await freePort();
  const secret = randomBytes(32).toString('base64url');
  // A file, as arguments can be read by everybody on the machine.
  const secrets = join(state, 'secrets.env');
  writeFileSync(secrets, `${keys ? `LINK_KEYS=${keys}\n` : ''}LOCAL_SECRET=${secret}\n`, {
    mode: 0o600,
  });
  // What would be written of each request and then dropped takes wrangler longer than the request.
  const quiet = logLevel === 'warn' && { REQUEST_LOG: 'off' };
  const settings = Object.entries({ VERIFIER_URL: verifierUrl, ...quiet, ...vars });
  const log = logFile(state, 'worker');
  const databases = databasesIn(state);
  const child = new Supervised({
    name: 'worker',
    liveUrl: `http://127.0.0.1:${workerPort}/health/live`,
    log,
    readyMs: READY_MS,
    start: () =>
      startProcess({
        args: [
          WRANGLER,
          'dev',
          ...['--config', config],
          ...['--port', String(workerPort), '--ip', '127.0.0.1', '--inspector-port', '0'],
          ...['--persist-to', databases, '--env-file', secrets],
          ...settings.flatMap(([name, value]) => ['--var', `${name}:${value}`]),
          ...['--show-interactive-dev-session=false', '--log-level', logLevel],
        ],
        cwd: ROOT,
        env: WRANGLER_ENV,
        log,
      }),
  });
  let front: Server | null = null;
  async function stop(): Promise<void> {
    front?.closeAllConnections();
    front?.close();
    await child.stop();
  }
  try {
    front = await startFront({ port, workerPort, secret });
    await child.ready();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    runtimeUrl: `http://127.0.0.1:${workerPort}`,
    databases,
    process: child,
    get pid() {
      return child.pid;
    },
    output: () => readFileSync(log, 'utf8'),
    stop,
  };
}

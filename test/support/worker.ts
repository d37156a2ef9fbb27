/** The real worker in `wrangler dev`, on a free port, with a database of its own. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { runWrangler, WRANGLER, WRANGLER_ENV } from '../../local/wrangler.ts';

export interface Worker {
  url: string;
  /** Folder of its databases. */
  state: string;
  /** What `wrangler dev` has printed so far. */
  output(): string;
  close(): Promise<void>;
}

export interface WorkerOptions {
  verifierUrl: string;
  /** More `vars` for the worker. */
  vars?: Record<string, string>;
  /** Of another worker than the service's. */
  config?: string;
}

const ENV = { ...process.env, ...WRANGLER_ENV, FORCE_COLOR: '0' };
const START_TIMEOUT_MS = 60_000;

export async function startWorker({
  verifierUrl,
  vars = {},
  config = 'wrangler.toml',
}: WorkerOptions): Promise<Worker> {
  const state = await mkdtemp(join(tmpdir(), 'espalier-test-'));
  migrate(state);
  const port = await freePort();
  const settings = Object.entries({ VERIFIER_URL: verifierUrl, KEYLESS: 'loopback', ...vars });
  const child = spawn(
    process.execPath,
    [
      WRANGLER,
      'dev',
      ...['--config', config],
      ...['--port', String(port), '--inspector-port', '0', '--persist-to', state],
      ...settings.flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    ],
    { env: ENV, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  const exited = new Promise<void>((done) => child.on('exit', () => done()));
  const url = `http://127.0.0.1:${port}`;

  async function close(): Promise<void> {
    child.kill('SIGINT');
    await exited;
    await rm(state, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isLive(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await close();
      throw new Error(`wrangler dev did not come up:\n${output}`);
    }
    await sleep(50);
  }
  return { url, state, output: () => output, close };
}

/** Runs SQL in the worker's database, beside the worker: for what no request can do, such as the past. */
export async function executeSql({ state }: Pick<Worker, 'state'>, sql: string): Promise<void> {
  const args = ['d1', 'execute', 'DB', '--local', '--persist-to', state, '--command', sql];
  await promisify(execFile)(process.execPath, [WRANGLER, ...args], { env: ENV });
}

function migrate(state: string): void {
  const command = ['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', state];
  const { status, stdout, stderr } = runWrangler(...command);
  if (status !== 0) throw new Error(`the migrations failed:\n${stdout}${stderr}`);
}

async function isLive(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/live`)).ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

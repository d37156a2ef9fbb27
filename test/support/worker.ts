/** The real worker for a test file, on a free port, with a database of its own. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Miniflare } from 'miniflare';
import { migrate, migrationsVersion } from '../../local/database.ts';
import { freePort } from '../../local/process.ts';
import { ROOT } from '../../local/root.ts';
import { type LocalWorker, startWorker as start } from '../../local/worker.ts';

export interface Worker extends Omit<LocalWorker, 'stop'> {
  close(): Promise<void>;
}

export interface WorkerOptions {
  verifierUrl: string;
  /** `LINK_KEYS`, where the verifier wants them. */
  keys?: string;
  /** More `vars` for the worker. */
  vars?: Record<string, string>;
  /** Of another worker than the service's. */
  config?: string;
}

export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const state = await migratedState();
  const remove = () =>
    rmSync(state, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  try {
    const worker = await start({ ...options, port: await freePort(), state, logLevel: 'log' });
    const close = async () => {
      await worker.stop();
      remove();
    };
    return { ...worker, close };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A folder for a service's state whose database is migrated. The first on a machine makes the template. */
export async function migratedState(): Promise<string> {
  const template = join(tmpdir(), `espalier-migrated-${migrationsVersion().slice(0, 16)}`);
  if (!existsSync(template)) {
    const making = mkdtempSync(join(tmpdir(), 'espalier-migrating-'));
    await migrate(making);
    try {
      renameSync(making, template);
    } catch {
      // Another test file was quicker.
      rmSync(making, { recursive: true, force: true });
    }
  }
  const state = mkdtempSync(join(tmpdir(), 'espalier-test-'));
  cpSync(template, state, { recursive: true });
  mkdirSync(join(state, 'logs'), { recursive: true });
  return state;
}

/** Runs SQL in the worker's database, beside the worker, and gives the first statement's rows: for what no request can do or tell. */
export async function executeSql<Row>(databases: string, sql: string): Promise<Row[]> {
  const [, id] = /^database_id = "(.+)"$/m.exec(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'))!;
  // What `wrangler d1 execute --local` does, without the seconds that wrangler takes to start.
  const miniflare = new Miniflare({
    modules: true,
    script: '',
    d1Persist: join(databases, 'v3/d1'),
    d1Databases: { DB: id! },
  });
  try {
    const db = await miniflare.getD1Database('DB');
    const statements = sql.split(/;\s*(?:\n|$)/).filter((statement) => statement.trim() !== '');
    const [first] = await db.batch<Row>(statements.map((statement) => db.prepare(statement)));
    return first!.results;
  } finally {
    await miniflare.dispose();
  }
}

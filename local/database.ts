/** The worker's local D1, brought up to `migrations/`. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logFile, StartError, startProcess } from './process.ts';
import { ROOT } from './root.ts';
import { WRANGLER, WRANGLER_ENV } from './wrangler.ts';

/** Folder of the databases in the service's state. */
export function databasesIn(state: string): string {
  return join(state, 'wrangler');
}

/** Hex sha256 of all migrations. */
export function migrationsVersion(): string {
  const folder = join(ROOT, 'migrations');
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true }).map(String).sort()) {
    if (name.endsWith('.sql')) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

/** Applies `migrations/`, unless they were applied as they are. */
export async function migrate(state: string): Promise<void> {
  const version = migrationsVersion();
  const marker = join(state, 'migrated');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === version) return;
  const run = startProcess({
    args: [
      WRANGLER,
      ...['d1', 'migrations', 'apply', 'DB', '--local'],
      ...['--persist-to', databasesIn(state)],
    ],
    cwd: ROOT,
    env: WRANGLER_ENV,
    log: logFile(state, 'migrations'),
  });
  const tail = await run.ended;
  if (run.exitCode() !== 0) throw new StartError(`The database could not be migrated:\n${tail}`);
  writeFileSync(marker, version);
}

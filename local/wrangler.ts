/** wrangler, as the service, the commands, the tests and the benchmarks run it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './root.ts';

/** Its script, for Node. */
export const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
/**
 * Telemetry and update checks would only wait for a network that need not be there.
 * The Local Explorer would give anybody who reaches the port SQL on the database.
 */
export const WRANGLER_ENV = {
  WRANGLER_SEND_METRICS: 'false',
  NO_UPDATE_NOTIFIER: '1',
  CI: '1',
  X_LOCAL_EXPLORER: 'false',
};

/** One command of it, from the repository's folder, to its end. */
export function runWrangler(...args: string[]) {
  return spawnSync(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ...WRANGLER_ENV },
  });
}

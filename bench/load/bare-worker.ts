/** A service whose worker runs in workerd alone, in the place of `wrangler dev`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { startFront } from '../../local/front.ts';
import { freePort, logFile, startProcess, untilHealthy } from '../../local/process.ts';
import { ROOT } from '../../local/root.ts';
import type { TestService } from '../../test/support/service.ts';

const READY_MS = 90_000;

/** Takes over what the service has ingested: its databases stay where they are. */
export async function withBareWorker(service: TestService): Promise<TestService> {
  await service.worker.stop();
  const { state, verifierUrl } = service;
  const [port, workerPort] = [await freePort(), await freePort()];
  const log = logFile(state, 'bare-worker');
  const script = join(ROOT, 'bench/load/worker.ts');
  const child = startProcess({
    args: ['--import', 'tsx', script, String(workerPort), verifierUrl, state],
    cwd: ROOT,
    env: {},
    log,
  });
  const secret = parseEnv(readFileSync(join(state, 'secrets.env'), 'utf8')).LOCAL_SECRET!;
  const front = await startFront({ port, workerPort, secret });
  const stop = async () => {
    front.closeAllConnections();
    front.close();
    await child.stop();
    await service.stop();
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilHealthy('worker', `${url}/health/live`, child, log, READY_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...service, url, worker: { ...service.worker, pid: child.pid }, stop };
}

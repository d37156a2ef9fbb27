/** A service whose worker runs in workerd alone, in the place of `wrangler dev`. */
import { join } from 'node:path';
import { freePort, startProcess, untilHealthy } from '../../local/process.ts';
import { ROOT } from '../../local/root.ts';
import { logFile } from '../../local/service.ts';
import type { TestService } from '../../test/support/service.ts';

const READY_MS = 90_000;

/** Takes over what the service has ingested: its databases stay where they are. */
export async function withBareWorker(service: TestService): Promise<TestService> {
  await service.worker.stop();
  const { state, verifierUrl } = service;
  const port = await freePort();
  const log = logFile(state, 'bare-worker');
  const script = join(ROOT, 'bench/load/worker.ts');
  const worker = startProcess({
    args: ['--import', 'tsx', script, String(port), verifierUrl, state],
    cwd: ROOT,
    env: {},
    log,
  });
  const stop = async () => {
    await worker.stop();
    await service.stop();
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilHealthy('worker', `${url}/health/live`, worker, log, READY_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...service, url, worker, stop };
}

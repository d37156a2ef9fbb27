/** The real service for a test file: real verifier, real worker, its own databases and ports. */
import { rmSync } from 'node:fs';
import { ingestDemo } from '../../local/demo.ts';
import { freePort } from '../../local/process.ts';
import { type Service, startService as start } from '../../local/service.ts';
import { migratedState } from './worker.ts';

export interface TestService extends Service {
  /** Removed by `stop`. */
  state: string;
}

/** Starts both on free ports, with docs/ ingested unless `demo` is false; `model`: a folder, the bundled one if absent. */
export async function startService({
  demo = true,
  model,
}: {
  demo?: boolean;
  model?: string;
} = {}): Promise<TestService> {
  const state = await migratedState();
  const [port, verifierPort] = [await freePort(), await freePort()];
  const service = await start({ port, verifierPort, state, model });
  if (demo) await ingestDemo(service.url, state, () => {});
  return {
    ...service,
    state,
    async stop() {
      await service.stop();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

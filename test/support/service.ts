/** The real service for a test file: real verifier, real worker, its own databases and ports. */
import { rmSync } from 'node:fs';
import { databasesIn } from '../../local/database.ts';
import { ingestDemo } from '../../local/demo.ts';
import { freePort } from '../../local/process.ts';
import { type Service, startService as start } from '../../local/service.ts';
import { migratedState } from './worker.ts';

export interface TestService extends Service {
  /** Removed by `stop`. */
  state: string;
}

export interface ServiceOptions {
  /** Whether docs/ are ingested; they are if absent. */
  demo?: boolean;
  /** A folder; the bundled one if absent. */
  model?: string;
  /** Runs before the start, with the folder of the worker's databases. */
  prepare?: (databases: string) => void;
}

/** Starts both on free ports. */
export async function startService({
  demo = true,
  model,
  prepare,
}: ServiceOptions = {}): Promise<TestService> {
  const state = await migratedState();
  prepare?.(databasesIn(state));
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

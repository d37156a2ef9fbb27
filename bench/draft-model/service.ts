/** Worker and paced verifier. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../local/database.ts';
import { ingestDemo } from '../../local/demo.ts';
import { freePort, logFile, startProcess, untilHealthy } from '../../local/process.ts';
import { ROOT } from '../../local/root.ts';
import { newLinkKeys } from '../../local/verifier.ts';
import { startWorker } from '../../local/worker.ts';

export interface PacedService {
  url: string;
  /** Folder of the worker's databases. */
  databases: string;
  /** Sets the least milliseconds of a step; 0 is the target's own pace. */
  pace(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export interface PacedOptions {
  /** Another target than the bundled one, with so long a context. */
  model?: { folder: string; context: number };
}

/** With the bundled documents taken in, unless the target is another one. */
export async function startPacedService({ model }: PacedOptions = {}): Promise<PacedService> {
  const state = mkdtempSync(join(tmpdir(), 'espalier-bench-'));
  mkdirSync(join(state, 'logs'));
  const [port, verifierPort, controlPort] = [await freePort(), await freePort(), await freePort()];
  const keys = newLinkKeys();
  const verifier = startProcess({
    args: ['--import', 'tsx', join(ROOT, 'bench/draft-model/paced-verifier.ts')],
    cwd: ROOT,
    env: {
      PORT: String(verifierPort),
      CONTROL_PORT: String(controlPort),
      LINK_KEYS: keys,
      ...(model && { ESPALIER_MODEL: model.folder, ESPALIER_MAX_CONTEXT: String(model.context) }),
    },
    log: logFile(state, 'verifier'),
  });
  await migrate(state);
  const verifierUrl = `http://127.0.0.1:${verifierPort}`;
  await untilHealthy(
    'verifier',
    `${verifierUrl}/health`,
    verifier,
    logFile(state, 'verifier'),
    60_000,
  );
  const worker = await startWorker({ port, verifierUrl, state, keys });
  const { url, databases } = worker;
  if (!model) await ingestDemo(url, state, () => {});
  return {
    url,
    databases,
    async pace(ms) {
      await fetch(`http://127.0.0.1:${controlPort}/${ms}`, { method: 'POST' });
    },
    async stop() {
      await Promise.all([worker.stop(), verifier.stop()]);
      rmSync(state, { recursive: true, force: true });
    },
  };
}

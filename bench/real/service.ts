/** The whole service over a model, with docs/ taken in and no prompt reused. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../local/database.ts';
import { ingestDemo } from '../../local/demo.ts';
import { freePort, logFile, startProcess, untilHealthy } from '../../local/process.ts';
import { ROOT } from '../../local/root.ts';
import { newLinkKeys } from '../../local/verifier.ts';
import { startWorker } from '../../local/worker.ts';

/** Converting a model and measuring its steps. */
const READY_MS = 600_000;

export interface RealService {
  url: string;
  /** Ids of the prompt of the last turn. */
  lastPrompt(): Promise<number[]>;
  stop(): Promise<void>;
}

/** @param model a model's folder; @param threads of the verifier's ONNX Runtime */
export async function startRealService(model: string, threads: number): Promise<RealService> {
  const state = mkdtempSync(join(tmpdir(), 'espalier-bench-'));
  mkdirSync(join(state, 'logs'));
  const [port, verifierPort, controlPort] = [await freePort(), await freePort(), await freePort()];
  const keys = newLinkKeys();
  const log = logFile(state, 'verifier');
  const verifier = startProcess({
    args: ['--import', 'tsx', join(ROOT, 'bench/real/recording-verifier.ts')],
    cwd: ROOT,
    env: {
      PORT: String(verifierPort),
      CONTROL_PORT: String(controlPort),
      LINK_KEYS: keys,
      ESPALIER_MODEL: model,
      ESPALIER_THREADS: String(threads),
    },
    log,
  });
  const verifierUrl = `http://127.0.0.1:${verifierPort}`;
  const stopVerifier = async () => {
    await verifier.stop();
    rmSync(state, { recursive: true, force: true });
  };
  try {
    await migrate(state);
    await untilHealthy('verifier', `${verifierUrl}/health`, verifier, log, READY_MS);
    const worker = await startWorker({ port, verifierUrl, state, keys });
    await ingestDemo(worker.url, state, () => {});
    return {
      url: worker.url,
      async lastPrompt() {
        return (await fetch(`http://127.0.0.1:${controlPort}`)).json() as Promise<number[]>;
      },
      async stop() {
        await worker.stop();
        await stopVerifier();
      },
    };
  } catch (error) {
    await stopVerifier();
    throw error;
  }
}

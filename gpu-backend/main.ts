/** The verifier as a process. Environment: HOST, PORT, ESPALIER_MODEL (a model folder), ESPALIER_THREADS. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readModelFolder } from './builder/model-folder.ts';
import { openEngine } from './engine/open.ts';
import { startVerifier } from './server.ts';

const BUNDLED = join(dirname(fileURLToPath(import.meta.url)), '../models/target');

/** What turns at work get to finish in, once the process is asked to stop. */
const DRAIN_GRACE_MS = 3_000;

async function main(): Promise<void> {
  const folder = process.env.ESPALIER_MODEL || BUNDLED;
  const model = readModelFolder(folder);
  const threads = process.env.ESPALIER_THREADS;
  const engine = await openEngine(folder, threads ? { threads: Number(threads) } : {});
  const verifier = await startVerifier(model, engine, {
    host: process.env.HOST || '127.0.0.1',
    port: Number(process.env.PORT || 8788),
  });
  console.log(`verifier ready at ${verifier.url}, model ${model.manifest.name}`);

  let closing = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Asked twice: now.
      if (closing) process.exit(1);
      closing = true;
      void verifier.close(DRAIN_GRACE_MS).then(() => process.exit(0));
    });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});

/** The verifier as a process on this machine. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { logFile, type OnProgress, startProcess } from './process.ts';
import { ROOT } from './root.ts';
import { Supervised } from './supervised.ts';

/** Converting one large matrix on a slow machine takes minutes without output. */
const READY_MS = 300_000;

export interface VerifierSetup {
  port: number;
  /** Folder for its log. */
  state: string;
  /** Model folder; the bundled target when absent. */
  model?: string | undefined;
  /** `LINK_KEYS`, of worker and verifier alike. */
  keys: string;
  /** Addresses of this verifier in the worker's eyes, where they are not its own. */
  audience?: string;
  /** Names its log file. */
  name?: string;
  /** Told every line that it writes. */
  onLine?: ((line: string) => void) | undefined;
  /** Told how far a download or a conversion is, at every piece of it. */
  onProgress?: OnProgress | undefined;
}

/** A key that lives as long as the service: whoever else is on this machine can't use the verifier. */
export function newLinkKeys(): string {
  return `local:${randomBytes(32).toString('base64url')}`;
}

/** Starts it; `ready()` says when it is up. */
export function startVerifier(setup: VerifierSetup): Supervised {
  const { port, state, model, keys, audience, name = 'verifier', onLine, onProgress } = setup;
  const log = logFile(state, name);
  return new Supervised({
    name: 'verifier',
    liveUrl: `http://127.0.0.1:${port}/health`,
    log,
    readyMs: READY_MS,
    start: () =>
      startProcess({
        args: ['--import', 'tsx', join(ROOT, 'gpu-backend/main.ts')],
        cwd: ROOT,
        env: {
          HOST: '127.0.0.1',
          PORT: String(port),
          LINK_KEYS: keys,
          ...(audience ? { LINK_AUDIENCE: audience } : {}),
          ...(model ? { ESPALIER_MODEL: model } : {}),
        },
        log,
        onLine,
        onProgress,
      }),
  });
}

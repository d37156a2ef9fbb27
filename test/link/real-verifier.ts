/** The real verifier over the bundled model, in this process, and links of our own to it. */
import { WebSocket } from 'ws';
import { addModel } from '../../gpu-backend/builder/add-model.ts';
import type { Engine } from '../../gpu-backend/engine/engine.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { startVerifier, type Verifier } from '../../gpu-backend/link/server.ts';
import { wsTransport } from '../../gpu-backend/link/ws-transport.ts';
import { Link } from '../../src/link/client.ts';
import {
  type AcceptRuleName,
  LINK_PATH,
  type OpenSettings,
  offer,
} from '../../src/link/protocol/index.ts';
import { BUNDLED } from '../engine/models.ts';

export interface RealVerifier {
  engine: OrtEngine;
  verifier: Verifier;
  /** Opens a turn of `prompt`. */
  open(prompt: Int32Array, change?: Partial<OpenSettings>): Promise<Link>;
}

export interface RealVerifierOptions extends EngineOptions {
  cacheFolder: string;
  /** A checkpoint; the bundled target when absent. */
  source?: string;
  /** What the verifier gets in the engine's place. */
  wrap?: (engine: OrtEngine) => Engine;
  acceptRules?: readonly AcceptRuleName[];
}

export async function startRealVerifier(options: RealVerifierOptions): Promise<RealVerifier> {
  const { cacheFolder, source = BUNDLED, wrap = (engine) => engine } = options;
  const model = await addModel(source, { cacheFolder, compute: 'float32' });
  const { fingerprints } = model.manifest;
  const engine = await openEngine(model.path, { threads: 1, ...options });
  const verifier = await startVerifier(model, wrap(engine), {
    host: '127.0.0.1',
    port: 0,
    keys: [],
    acceptRules: options.acceptRules,
    audiences: [],
  });
  async function open(prompt: Int32Array, change: Partial<OpenSettings> = {}): Promise<Link> {
    const socket = new WebSocket(verifier.url.replace('http', 'ws') + LINK_PATH, offer());
    await new Promise((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    });
    return new Link(wsTransport(socket, nodeClock), nodeClock, {
      prompt,
      settings: {
        fingerprint: { model: fingerprints.model, tokenizer: fingerprints.tokenizer },
        namespace: 'test',
        sampling: { seed: [1, 2], temperature: 0.8, topP: 0.9, topK: 0 },
        maxTokens: 40,
        stopIds: [],
        drafting: 'echoed',
        budget: 16,
        regions: [],
        resumed: 0,
        ...change,
      },
    });
  }
  return { engine, verifier, open };
}

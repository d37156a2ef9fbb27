/**
 * The verifier as a process. Environment: HOST, PORT, ESPALIER_MODEL (a model
 * folder, a .gguf file, owner/name on the hub or a short name), ESPALIER_DRAFT (what drafts beside
 * it: the same for a second model, `self` for its own weights, a .safetensors file that
 * was made to draft for it, or several of these) and ESPALIER_DRAFT_PROVIDER, the engine's settings,
 * ESPALIER_ACCEPT_RULES (which accept rules callers may ask for), LINK_KEYS (whose
 * tickets open a link) and LINK_AUDIENCE (the addresses under which workers reach it).
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseLinkKeys } from '../src/link/protocol/index.ts';
import { readAllowedRules } from './accept/allowed-rules.ts';
import { readJudge } from './accept/lossy/judge-file.ts';
import {
  type AddOptions,
  addModel,
  convertModel,
  storedForm,
  takeModel,
} from './builder/add-model.ts';
import { reportProgress } from './cli/progress-lines.ts';
import { findProvider, servedOn, settingsOn, webGpuOrCpu } from './engine/choose-provider.ts';
import type { ProviderChoice } from './engine/engine.ts';
import {
  computeTypeFor,
  DEFAULT_CACHE_FOLDER,
  type EngineOptions,
  openEngine,
} from './engine/open.ts';
import { readDraftSettings, readEngineSettings } from './engine/settings.ts';
import { nodeClock } from './link/node-clock.ts';
import { startVerifier, type VerifierOptions } from './link/server.ts';
import { namesIn, openDrafters, promptTokensIn, readsHidden } from './open-drafters.ts';

const BUNDLED = join(dirname(fileURLToPath(import.meta.url)), '../models/target');

const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];
/** What turns at work get to finish in, once the process is asked to stop. */
const DRAIN_GRACE_MS = 3_000;

async function main(): Promise<void> {
  const door = readDoor();
  const { model, settings } = await openModel(process.env.ESPALIER_MODEL || BUNDLED);
  const drafts = namesIn(process.env.ESPALIER_DRAFT);
  const judges = readJudge(model.path, model.config.hiddenSize) !== undefined;
  const hiddenOutput = judges || readsHidden(drafts);
  const promptTokens = promptTokensIn(drafts, model);
  const engine = await openEngine(model.path, { ...settings, hiddenOutput, promptTokens });
  const draftSettings = readDraftSettings(process.env, settings.provider);
  const drafters = await openDrafters(drafts, model, engine, {
    settings: draftSettings,
    add: addingFor(draftSettings),
    clock: nodeClock,
  });
  const verifier = await startVerifier(model, engine, door, drafters);
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

/** Adds the model, and settles on the provider that the environment names or this machine has. */
async function openModel(source: string) {
  const { auto, ...asked } = readEngineSettings(process.env);
  if (!auto) {
    const why = process.env.ESPALIER_PROVIDER ? 'ESPALIER_PROVIDER' : 'the default';
    return { model: await addModel(source, addingFor(asked)), settings: { ...asked, why } };
  }
  const found = await findProvider(asked, console.log);
  // A model that is new here is stored for the CPU, unless CUDA can be used: WebGPU must win first.
  const storedFor = (provider: ProviderChoice['name']) =>
    addingFor(settingsOn(provider === 'cuda' ? 'cuda' : 'cpu', asked));
  const model = await takeModel(source, storedFor(found.name));
  const served = servedOn(found, storedForm(model));
  await convertModel(model, storedFor(served.name));
  const choice =
    served.name === 'webgpu' ? await webGpuOrCpu(model, DEFAULT_CACHE_FOLDER, asked) : served;
  return { model, settings: { ...settingsOn(choice.name, asked), why: choice.why } };
}

/** How a model is added for an engine with `settings`. */
function addingFor(settings: EngineOptions): AddOptions {
  return {
    cacheFolder: DEFAULT_CACHE_FOLDER,
    provider: settings.provider,
    compute: computeTypeFor(settings),
    quantization: 'auto',
    // Of the forms for CPUs and WebGPU the one that both have.
    auto: settings.provider === 'webgpu' ? 'int4' : undefined,
    threads: settings.threads,
    download: { accessToken: process.env.HF_TOKEN },
    onProgress: tellProgress(),
  };
}

/** To the log, and piece by piece to a parent that asked for it by opening a channel. */
function tellProgress(): AddOptions['onProgress'] {
  const toLog = reportProgress(console.log);
  return (what, done, total) => {
    toLog(what, done, total);
    if (process.connected) process.send?.({ progress: [what, done, total] });
  };
}

/** Where, to whom and to which accept rules it opens. Throws with what to set. */
function readDoor(): VerifierOptions {
  const host = process.env.HOST || '127.0.0.1';
  const port = Number(process.env.PORT || 8788);
  const local = LOOPBACK.includes(host);
  const keys = parseLinkKeys(process.env.LINK_KEYS);
  if (keys.length === 0 && !local) {
    throw new Error(
      `on ${host} anybody could use this verifier: set LINK_KEYS=<id>:<secret of 32 bytes in base64> ` +
        'here and for the worker, or HOST=127.0.0.1',
    );
  }
  const audiences = (process.env.LINK_AUDIENCE ?? '').split(',').filter((one) => one.trim() !== '');
  if (keys.length > 0 && audiences.length === 0 && !local) {
    throw new Error(
      'set LINK_AUDIENCE to the address that workers use, like https://gpu.example.com',
    );
  }
  const own = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `http://${name}:${port}`);
  const origins = audiences.length > 0 ? audiences.map((one) => new URL(one.trim()).origin) : own;
  const acceptRules = readAllowedRules(process.env.ESPALIER_ACCEPT_RULES);
  return { host, port, keys, audiences: origins, acceptRules };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});

/**
 * The verifier over ESPALIER_MODEL, where no prompt finds the prefix of an earlier
 * one, so that every turn computes its prompt as a first one does. GET / on
 * CONTROL_PORT gives the ids of the last prompt, as JSON.
 */
import { createServer } from 'node:http';
import { addModel } from '../../gpu-backend/builder/add-model.ts';
import type { Engine } from '../../gpu-backend/engine/engine.ts';
import { computeTypeFor, DEFAULT_CACHE_FOLDER, openEngine } from '../../gpu-backend/engine/open.ts';
import { readEngineSettings } from '../../gpu-backend/engine/settings.ts';
import { startVerifier } from '../../gpu-backend/link/server.ts';
import { parseLinkKeys } from '../../src/link/protocol/index.ts';

let lastPrompt: readonly number[] = [];
let turns = 0;

/** Prompts of different namespaces share no prefix. */
function forgetful(engine: Engine): Engine {
  return new Proxy(engine, {
    get(target, name) {
      if (name === 'acquire') {
        return (prompt: Int32Array, maxTokens: number) => {
          lastPrompt = [...prompt];
          return target.acquire(prompt, maxTokens, `turn ${turns++}`);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const settings = readEngineSettings(process.env);
const model = await addModel(process.env.ESPALIER_MODEL!, {
  cacheFolder: DEFAULT_CACHE_FOLDER,
  compute: computeTypeFor(settings),
});
const port = Number(process.env.PORT);
await startVerifier(model, forgetful(await openEngine(model.path, settings)), {
  host: '127.0.0.1',
  port,
  keys: parseLinkKeys(process.env.LINK_KEYS),
  audiences: [`http://127.0.0.1:${port}`],
});
createServer((_, response) => {
  response.end(JSON.stringify(lastPrompt));
}).listen(Number(process.env.CONTROL_PORT), '127.0.0.1');

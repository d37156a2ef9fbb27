/**
 * The worker in workerd alone: the bundle that would be deployed, under Miniflare,
 * without the proxy that `wrangler dev` puts before it to reload code. Takes the
 * port, the verifier's address and the folder that `local/service.ts` has made.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { Miniflare, type ModuleDefinition, type WorkerOptions } from 'miniflare';
import { unstable_getMiniflareWorkerOptions } from 'wrangler';
import { ROOT } from '../../local/root.ts';
import { runWrangler } from '../../local/wrangler.ts';

const [port, verifierUrl, state] = process.argv.slice(2) as [string, string, string];
const bundle = join(state, 'bundle');

const built = runWrangler('deploy', '--dry-run', '--outdir', bundle);
if (built.status !== 0) throw new Error(`the worker was not built: ${built.stderr}`);

const TYPES = { js: 'ESModule', wasm: 'CompiledWasm', onnx: 'Data' } as const;

/** The script first: it is the one that is run. */
function modules(): ModuleDefinition[] {
  const names = readdirSync(bundle).filter((name) => name !== 'index.js');
  return ['index.js', ...names].flatMap((name) => {
    const type = TYPES[name.split('.').at(-1) as keyof typeof TYPES];
    return type ? [{ type, path: join(bundle, name) }] : [];
  });
}

const { workerOptions } = unstable_getMiniflareWorkerOptions(join(ROOT, 'wrangler.toml'));
const secrets = parseEnv(readFileSync(join(state, 'secrets.env'), 'utf8'));
const options = {
  ...workerOptions,
  name: 'espalier',
  modules: modules(),
  modulesRoot: bundle,
  bindings: {
    ...workerOptions.bindings,
    VERIFIER_URL: verifierUrl,
    ...secrets,
  },
} as WorkerOptions;

const miniflare = new Miniflare({
  host: '127.0.0.1',
  port: Number(port),
  defaultPersistRoot: join(state, 'wrangler/v3'),
  workers: [options],
});
await miniflare.ready;
process.on('SIGTERM', () => void miniflare.dispose().then(() => process.exit(0)));

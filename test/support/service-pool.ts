/**
 * Services that test files share instead of starting their own. Each of vitest's
 * workers has one of each kind, started when a file first asks for it, so no two
 * files use one at the same time. The file before leaves its tenants' files behind:
 * what callers without a key own is deleted in between, and `createKeys` makes new
 * tenants.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import type { TestProject } from 'vitest/node';
import { MADE_BY } from '../../local/demo.ts';
import { startService } from './service.ts';
import type { ServiceKind, SharedObjects, SharedService } from './shared-service.ts';
import { startWorker } from './worker.ts';

/** What one of vitest's workers has of a kind. */
interface Shared {
  /** Makes it ready for the next file, and says where it is. */
  lend(): Promise<SharedService | SharedObjects>;
  stop(): Promise<void>;
}

const START: Record<ServiceKind, () => Promise<Shared>> = {
  bare: () => shareService(false),
  demo: () => shareService(true),
  objects: shareObjects,
};

/** Run by vitest before the first test file; what it returns, after the last. */
export default async function shareServices(project: TestProject): Promise<() => Promise<void>> {
  const services = new Map<string, Promise<Shared>>();
  function serviceAt(path: string): Promise<Shared> {
    const service = services.get(path) ?? START[path.split('/').at(-1) as ServiceKind]();
    services.set(path, service);
    // The next file tries again.
    service.catch(() => services.delete(path));
    return service;
  }
  const server = createServer(async (request, response) => {
    try {
      const service = await serviceAt(request.url!);
      response.end(JSON.stringify(await service.lend()));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  project.provide('services', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  async function stopAll(): Promise<void> {
    const started = await Promise.allSettled(services.values());
    services.clear();
    await Promise.all(
      started.map((one) => (one.status === 'fulfilled' ? one.value.stop() : undefined)),
    );
  }
  // Keys, and answers kept for an idempotency key, would be those of the run before.
  project.onTestsRerun(stopAll);
  return async () => {
    server.close();
    await stopAll();
  };
}

async function shareService(demo: boolean): Promise<Shared> {
  const { url, verifierUrl, model, worker, stop } = await startService({ demo });
  const { databases, runtimeUrl } = worker;
  return {
    async lend() {
      await empty(url);
      return { url, runtimeUrl, verifierUrl, model, databases };
    },
    stop,
  };
}

/** Tenants that a file may make in the objects' database; the next file's come after them. */
const TENANTS_A_FILE = 1_000;

async function shareObjects(): Promise<Shared> {
  const { runtimeUrl, close } = await startWorker({
    // Nothing is asked of it.
    verifierUrl: 'http://127.0.0.1:9',
    config: 'test/memory/wrangler.toml',
  });
  let files = 0;
  return {
    lend: async () => ({ runtimeUrl, firstTenant: 1 + TENANTS_A_FILE * files++ }),
    stop: close,
  };
}

/** Deletes stores and files of callers without a key, but not those of the demo. */
async function empty(url: string): Promise<void> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'local' });
  const kept = new Set<string>();
  const stores: string[] = [];
  for await (const { id, metadata } of client.vectorStores.list()) {
    if (metadata?.made_by !== MADE_BY) stores.push(id);
    else for await (const file of client.vectorStores.files.list(id)) kept.add(file.id);
  }
  const files: string[] = [];
  for await (const { id } of client.files.list()) if (!kept.has(id)) files.push(id);
  for (const id of stores) await client.vectorStores.delete(id);
  for (const id of files) await client.files.delete(id);
}

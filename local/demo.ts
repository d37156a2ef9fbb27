/**
 * Gives the service its demo knowledge: the markdown files of docs/, in a store
 * named "demo", through the public API like any client's.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StartError } from './process.ts';
import { ROOT } from './service.ts';

export const DEMO_STORE = 'demo';
const INGEST_MS = 60_000;
const POLL_MS = 100;

interface Listed<T> {
  data: T[];
}
interface Named {
  id: string;
  name: string;
}
interface StoreFile {
  id: string;
  status: string;
  last_error: { message: string } | null;
}

/** True when the store was made anew or refreshed, false when docs/ is as it was. */
export async function ingestDemo(
  url: string,
  state: string,
  report: (line: string) => void,
): Promise<boolean> {
  const folder = join(ROOT, 'docs');
  const names = readdirSync(folder).filter((name) => name.endsWith('.md'));
  const hash = createHash('sha256');
  for (const name of names) hash.update(name).update(readFileSync(join(folder, name)));
  const marker = resolve(ROOT, state, 'demo');
  const version = hash.digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === version) return false;

  report(`Ingesting ${names.length} documents from docs/ …`);
  const stores = await call<Listed<Named>>(url, 'GET', '/v1/vector_stores?limit=100');
  for (const store of stores.data.filter(({ name }) => name === DEMO_STORE)) {
    await call(url, 'DELETE', `/v1/vector_stores/${store.id}`);
  }
  const store = await call<Named>(url, 'POST', '/v1/vector_stores', { name: DEMO_STORE });
  for (const name of names) {
    const form = new FormData();
    form.set('purpose', 'assistants');
    form.set('file', new File([readFileSync(join(folder, name))], name));
    const file = await call<{ id: string }>(url, 'POST', '/v1/files', form);
    await call(url, 'POST', `/v1/vector_stores/${store.id}/files`, { file_id: file.id });
  }
  await untilIngested(url, store.id);
  writeFileSync(marker, version);
  return true;
}

async function untilIngested(url: string, storeId: string): Promise<void> {
  const deadline = Date.now() + INGEST_MS;
  while (Date.now() < deadline) {
    const { data } = await call<Listed<StoreFile>>(
      url,
      'GET',
      `/v1/vector_stores/${storeId}/files?limit=100`,
    );
    const failed = data.find(({ status }) => status === 'failed');
    if (failed)
      throw new StartError(`A document could not be ingested: ${failed.last_error?.message}`);
    if (data.every(({ status }) => status === 'completed')) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new StartError(`The documents were not ingested after ${INGEST_MS / 1000} s.`);
}

async function call<T>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  const form = body instanceof FormData;
  const response = await fetch(url + path, {
    method,
    ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
    headers: form || body === undefined ? {} : { 'content-type': 'application/json' },
  });
  const text = await response.text();
  if (!response.ok) throw new StartError(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

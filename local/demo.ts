/**
 * Gives the service its demo knowledge: the markdown files of docs/, in a store
 * named "demo", through the public API like any client's.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEMO_STORE, DEMO_STORE_BEING_READ } from '../src/store/schema.ts';
import { StartError } from './process.ts';
import { ROOT } from './root.ts';

/** Marks the store as one that a start may replace. */
export const MADE_BY = 'npm start';
const INGEST_MS = 300_000;
const POLL_MS = 100;

interface Listed<T> {
  data: T[];
}
interface Named {
  id: string;
  name: string;
  metadata: Record<string, string> | null;
}
interface StoreFile {
  id: string;
  status: string;
  last_error: { message: string } | null;
}

const markerIn = (state: string) => resolve(ROOT, state, 'demo');

/** Whether an earlier start with this state has ingested docs/ as it is. */
export function isDemoCurrent(state: string): boolean {
  const marker = markerIn(state);
  return existsSync(marker) && readFileSync(marker, 'utf8') === demoDocuments().version;
}

function demoDocuments(): { folder: string; names: string[]; version: string } {
  const folder = join(ROOT, 'docs');
  const names = readdirSync(folder).filter((name) => name.endsWith('.md'));
  const hash = createHash('sha256');
  for (const name of names) hash.update(name).update(readFileSync(join(folder, name)));
  return { folder, names, version: hash.digest('hex') };
}

/** True when the store was made anew or refreshed, false when docs/ is as it was. */
export async function ingestDemo(
  url: string,
  state: string,
  report: (line: string) => void,
): Promise<boolean> {
  const { folder, names, version } = demoDocuments();
  if (isDemoCurrent(state)) return false;
  report(`Ingesting ${names.length} documents from docs/ …`);
  const stores = await call<Listed<Named>>(url, 'GET', '/v1/vector_stores?limit=100');
  // Only what an earlier start made: a store of the user's own may have the same name.
  for (const store of stores.data.filter(({ metadata }) => metadata?.made_by === MADE_BY)) {
    await removeStore(url, store.id);
  }
  const store = await call<Named>(url, 'POST', '/v1/vector_stores', {
    name: DEMO_STORE_BEING_READ,
    metadata: { made_by: MADE_BY },
  });
  for (const name of names) {
    const form = new FormData();
    form.set('purpose', 'assistants');
    form.set('file', new File([readFileSync(join(folder, name))], name));
    const file = await call<{ id: string }>(url, 'POST', '/v1/files', form);
    await call(url, 'POST', `/v1/vector_stores/${store.id}/files`, { file_id: file.id });
  }
  await untilIngested(url, store.id);
  // Only now questions find it.
  await call(url, 'POST', `/v1/vector_stores/${store.id}`, { name: DEMO_STORE });
  writeFileSync(markerIn(state), version);
  return true;
}

/** The store with the files that were uploaded for it. */
async function removeStore(url: string, storeId: string): Promise<void> {
  const path = `/v1/vector_stores/${storeId}`;
  const { data } = await call<Listed<StoreFile>>(url, 'GET', `${path}/files?limit=100`);
  await call(url, 'DELETE', path);
  for (const { id } of data) await call(url, 'DELETE', `/v1/files/${id}`);
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

/** Of a request that a busy machine lost: `wrangler dev` says 503 then. */
const TRIES = 7;
/** Lost, or lost and still being done. Each pause is twice the one before: six seconds in all. */
const PASSING = new Set([503, 409]);

async function call<T>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  const form = body instanceof FormData;
  const headers: Record<string, string> = {
    ...(form || body === undefined ? {} : { 'content-type': 'application/json' }),
    // Tried again, it is done once.
    ...(method === 'POST' && { 'idempotency-key': crypto.randomUUID() }),
  };
  const request = () =>
    fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
      headers,
    });
  let response = await request();
  for (let tries = 1; PASSING.has(response.status) && tries < TRIES; tries++) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS * 2 ** (tries - 1)));
    response = await request();
  }
  const text = await response.text();
  if (!response.ok) throw new StartError(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** Vector stores and the files attached to them. */
import { and, count, eq, inArray, type SQL, sql, sum } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { corpusPrefix, deletePrefix } from './corpora.ts';
import { database, listed } from './database.ts';
import { newId } from './ids.ts';
import { type Page, type PageQuery, page } from './page.ts';
import { purgeOrphans } from './purge.ts';
import { batches, DEMO_STORE, files, type Metadata, storeFiles, stores } from './schema.ts';
import type { Tenant } from './tenants.ts';

export type StoreRecord = typeof stores.$inferSelect;
export type StoreFileRecord = typeof storeFiles.$inferSelect;

export interface StoreFields {
  name: string;
  description: string | null;
  metadata: Metadata | null;
  expiresAfterDays: number | null;
}

export interface FileCounts {
  in_progress: number;
  completed: number;
  failed: number;
  cancelled: number;
  total: number;
}

export async function createStore(env: Bindings, tenant: Tenant, fields: StoreFields) {
  const [store] = await database(env)
    .insert(stores)
    .values({ id: newId('vs_'), tenantId: tenant.id, ...fields })
    .returning();
  return store!;
}

export function findStore(env: Bindings, tenantId: number, id: string) {
  return database(env).query.stores.findFirst({
    where: and(eq(stores.tenantId, tenantId), eq(stores.id, id)),
  });
}

/** Stores with what is in them. */
export async function listStores(
  env: Bindings,
  tenant: Tenant,
  query: PageQuery,
): Promise<Page<{ store: StoreRecord; measure: StoreMeasure }>> {
  const { id, createdAt, tenantId } = stores;
  const listed = { table: stores, id, createdAt, owned: eq(tenantId, tenant.id) };
  const { rows, hasMore } = await page(env, listed, query);
  const measures = await measureStores(
    env,
    rows.map((store) => store.id),
  );
  return {
    rows: rows.map((store) => ({ store, measure: measures.get(store.id)! })),
    hasMore,
  };
}

export async function updateStore(env: Bindings, store: StoreRecord, fields: Partial<StoreFields>) {
  const [updated] = await database(env)
    .update(stores)
    .set({ ...fields, lastActiveAt: sql`(unixepoch())` })
    .where(eq(stores.id, store.id))
    .returning();
  return updated;
}

/** Ids of the stores that a request without any is answered from. */
export async function defaultStores(env: Bindings, tenant: Tenant): Promise<string[]> {
  const found = await database(env).query.stores.findFirst({
    columns: { id: true },
    where: and(eq(stores.tenantId, tenant.id), eq(stores.name, DEMO_STORE)),
  });
  return found ? [found.id] : [];
}

export async function deleteStore(env: Bindings, store: StoreRecord): Promise<void> {
  const db = database(env);
  await db.batch([
    db.delete(stores).where(eq(stores.id, store.id)),
    db.delete(batches).where(eq(batches.storeId, store.id)),
  ]);
  await detachEverywhere(env, store.tenantId, eq(storeFiles.storeId, store.id));
  await deletePrefix(env, corpusPrefix({ tenantId: store.tenantId, storeId: store.id }));
}

/** Deletes the attachments that match and the passages nobody else holds. */
export async function detachEverywhere(env: Bindings, tenantId: number, which: SQL): Promise<void> {
  const db = database(env);
  const ours = and(eq(storeFiles.tenantId, tenantId), which);
  const touched = db.select({ id: storeFiles.storeId }).from(storeFiles).where(ours);
  await db.batch([
    db.update(stores).set({ revision: sql`revision + 1` }).where(inArray(stores.id, touched)),
    db.delete(storeFiles).where(ours),
  ]);
  await purgeOrphans(env, tenantId);
  await dropVectors(env, tenantId);
}

/** What Vectorize has is deleted by the tenant's ingestor: it knows what it handed over. */
async function dropVectors(env: Bindings, tenantId: number): Promise<void> {
  if (!env.VECTORIZE) return;
  await env.INGESTOR.get(env.INGESTOR.idFromName(String(tenantId))).wake(tenantId);
}

/** What is in a store. */
export interface StoreMeasure {
  counts: FileCounts;
  usageBytes: number;
}

/** Files by status and bytes in use, for each store named. */
export async function measureStores(env: Bindings, storeIds: readonly string[]) {
  const measures = new Map<string, StoreMeasure>();
  for (const id of storeIds) measures.set(id, { counts: noFiles(), usageBytes: 0 });
  if (storeIds.length === 0) return measures;
  const rows = await database(env)
    .select({
      storeId: storeFiles.storeId,
      status: storeFiles.status,
      files: count(),
      bytes: sum(storeFiles.usageBytes).mapWith(Number),
    })
    .from(storeFiles)
    .where(inArray(storeFiles.storeId, listed(storeIds)))
    .groupBy(storeFiles.storeId, storeFiles.status);
  for (const row of rows) {
    const measure = measures.get(row.storeId)!;
    measure.counts[row.status] += row.files;
    measure.counts.total += row.files;
    measure.usageBytes += row.bytes;
  }
  return measures;
}

export function noFiles(): FileCounts {
  return { in_progress: 0, completed: 0, failed: 0, cancelled: 0, total: 0 };
}

/** Ids among `fileIds` that are the tenant's own. */
export async function ownedFiles(env: Bindings, tenantId: number, fileIds: readonly string[]) {
  const rows = await database(env)
    .select({ id: files.id })
    .from(files)
    .where(and(eq(files.tenantId, tenantId), inArray(files.id, listed(fileIds))));
  return new Set(rows.map((row) => row.id));
}

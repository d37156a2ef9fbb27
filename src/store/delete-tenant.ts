/** The end of a tenant: it is gone at once, and what it had goes in slices. */
import { sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { deletePrefix, tenantPrefix } from './corpora.ts';
import { transact } from './database.ts';
import { abandon, purgeOrphans } from './purge.ts';
import { apiKeys, files, idempotency, storeFiles, stores } from './schema.ts';
import { forgetPassageIndex, passageIndex, purgesOf, type Tenant } from './tenants.ts';

/**
 * Deletes a tenant with everything it has. One transaction takes its keys, its stores,
 * its files' records and its word index: nothing of it is found from then on. Passages
 * follow in slices between which others are served, then what is in R2. What a crash
 * leaves of them is deleted by the tenant's Ingestor. Durable Objects that hold something
 * of it erase themselves: they look for its row before they say anything, and from time
 * to time.
 */
export async function deleteTenant(env: Bindings, { id }: Tenant): Promise<void> {
  const owned = [apiKeys, idempotency, storeFiles, stores, files];
  await transact(env, [
    sql`DROP TABLE IF EXISTS ${sql.raw(passageIndex(id))}`,
    sql`DELETE FROM batches WHERE store_id IN (SELECT id FROM stores WHERE tenant_id = ${id})`,
    ...owned.map((table) => sql`DELETE FROM ${table} WHERE tenant_id = ${id}`),
    abandon(sql`tenant_id = ${id}`),
    sql`DELETE FROM tenants WHERE id = ${id}`,
  ]);
  forgetPassageIndex(id);
  // Its alarm outlives this request. What it hands back of Vectorize is in rows that stay until then.
  await env.INGESTOR.get(env.INGESTOR.idFromName(String(id))).wake(id);
  await eraseTenant(env, id);
}

/** Whether the tenant has been deleted. */
export async function isTenantGone(env: Bindings, tenantId: number): Promise<boolean> {
  return (await purgesOf(env, tenantId)) === undefined;
}

/** Deletes what is left of a tenant that is gone. Idempotent, also beside itself. */
export async function eraseTenant(env: Bindings, tenantId: number): Promise<void> {
  await purgeOrphans(env, tenantId, 'all');
  await deletePrefix(env, tenantPrefix(tenantId));
}

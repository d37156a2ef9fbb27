/**
 * The demo documents of a first start. While they are read their store has another
 * name, so that no question is answered from half of them.
 */
import { and, eq, inArray } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database } from './database.ts';
import { DEMO_STORE, DEMO_STORE_BEING_READ, stores, tenants } from './schema.ts';
import { measureStores } from './stores.ts';
import { LOCAL_TENANT } from './tenants.ts';

/** They are read once in the life of a service: who deletes them later does not wait for them. */
let wereRead = false;

/** Documents read so far, and of how many as far as is known; null where none are waited for. */
export async function demoProgress(env: Bindings): Promise<{ read: number; of: number } | null> {
  if (env.DEMO !== 'expected' || wereRead) return null;
  const found = await database(env)
    .select({ id: stores.id, name: stores.name })
    .from(stores)
    .innerJoin(tenants, eq(tenants.id, stores.tenantId))
    .where(
      and(
        eq(tenants.name, LOCAL_TENANT),
        inArray(stores.name, [DEMO_STORE, DEMO_STORE_BEING_READ]),
      ),
    );
  if (found.some(({ name }) => name === DEMO_STORE)) {
    wereRead = true;
    return null;
  }
  const ids = found.map(({ id }) => id);
  const measures = [...(await measureStores(env, ids)).values()];
  const sum = (count: 'completed' | 'total') =>
    measures.reduce((total, { counts }) => total + counts[count], 0);
  return { read: sum('completed'), of: sum('total') };
}

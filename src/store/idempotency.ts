/** What POSTs with an `idempotency-key` were answered, so that a repeated one is not done twice. */
import { and, eq, lt, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { idempotency, type StoredResponse } from './schema.ts';

/** A day, as long as clients may repeat. */
const KEPT_SECONDS = 86_400;
/** After this, a first request that has left no answer is taken for dead. */
const RUNNING_SECONDS = 900;

/**
 * A claim that was won. The row may have a later owner by the time this one is
 * done, but not one of the same second: it takes over after `RUNNING_SECONDS`.
 */
export interface Own {
  tenantId: number;
  key: string;
  createdAt: number;
}

export type Claim =
  | { state: 'first'; own: Own }
  | { state: 'running' }
  | { state: 'different' }
  | { state: 'answered'; response: StoredResponse };

/** Claims the key for this request, or says who has it. One writer wins: the row is the lock. */
export async function claim(
  db: Database,
  tenantId: number,
  key: string,
  request: string,
): Promise<Claim> {
  const thisKey = and(eq(idempotency.tenantId, tenantId), eq(idempotency.key, key));
  const [, , inserted, found] = await db.batch([
    db.delete(idempotency).where(lt(idempotency.createdAt, sql`unixepoch() - ${KEPT_SECONDS}`)),
    db
      .delete(idempotency)
      .where(
        and(
          thisKey,
          sql`${idempotency.response} IS NULL`,
          lt(idempotency.createdAt, sql`unixepoch() - ${RUNNING_SECONDS}`),
        ),
      ),
    db.insert(idempotency).values({ tenantId, key, request }).onConflictDoNothing().returning(),
    db.select().from(idempotency).where(thisKey),
  ]);
  const [won] = inserted;
  if (won) return { state: 'first', own: won };
  const row = found[0]!;
  if (row.request !== request) return { state: 'different' };
  return row.response ? { state: 'answered', response: row.response } : { state: 'running' };
}

export async function keep(db: Database, own: Own, response: StoredResponse): Promise<void> {
  await db.update(idempotency).set({ response }).where(rowOf(own));
}

/** Gives the key back: what was tried did not happen, and may be tried again. */
export async function forget(db: Database, own: Own): Promise<void> {
  await db.delete(idempotency).where(rowOf(own));
}

function rowOf({ tenantId, key, createdAt }: Own) {
  return and(
    eq(idempotency.tenantId, tenantId),
    eq(idempotency.key, key),
    eq(idempotency.createdAt, createdAt),
  );
}

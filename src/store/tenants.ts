/**
 * Tenants, and what is derived from them. A tenant's passages are indexed in an
 * FTS5 table of their own: bm25 weighs a word by how many rows of the table have
 * it, so a shared table would let one tenant's documents move another's ranking.
 */
import { eq, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { type Database, database } from './database.ts';
import { sha256 } from './ids.ts';
import { tenants } from './schema.ts';

/** The only tenant of an instance that runs without keys. */
export const LOCAL_TENANT = 'local';

export interface Tenant {
  id: number;
  name: string;
}

/**
 * What every store of generated or retrieved tokens is keyed by. It is computed
 * here from facts the server holds; nothing in a request can name one.
 */
export interface Namespace {
  tenantId: number;
  /** Hex sha256 of tokenizer.json. */
  tokenizer: string;
  /** Hex sha256 over tenant, model and tokenizer. */
  key: string;
}

export async function namespaceOf(
  tenant: Tenant,
  fingerprint: { model: string; tokenizer: string },
): Promise<Namespace> {
  const key = await sha256(`${tenant.id}\n${fingerprint.model}\n${fingerprint.tokenizer}`);
  return { tenantId: tenant.id, tokenizer: fingerprint.tokenizer, key };
}

/** Name of a tenant's FTS5 table: safe to splice into SQL, since ids are integers. */
export function passageIndex(tenantId: number): string {
  if (!Number.isSafeInteger(tenantId) || tenantId < 1) {
    throw new RangeError(`${tenantId} is no tenant id`);
  }
  return `words_${tenantId}`;
}

/** A row of it, out of `chunks`. */
export const INDEXED = sql.raw(
  'id, coalesce(words ->> 0, title), coalesce(words ->> 1, heading), coalesce(words ->> 2, text)',
);

/** The tenant of that name, made if it is new. */
export async function ensureTenant(db: Database, name: string): Promise<Tenant> {
  await db.insert(tenants).values({ name }).onConflictDoNothing();
  const tenant = await db.query.tenants.findFirst({ where: eq(tenants.name, name) });
  if (!tenant) throw new Error(`tenant ${name} vanished while it was being made`);
  return tenant;
}

/** Tenants whose index this isolate has seen. */
const indexed = new Set<number>();

/**
 * Makes the tenant's passage index if it isn't there: a new tenant is only a row.
 * Its text is in `chunks` already and is not held twice. An index that knows its
 * content receives what a deleted row held, and takes it out of bm25's counts; one
 * without content would continue counting deleted rows.
 */
export async function ensurePassageIndex(env: Bindings, tenantId: number): Promise<void> {
  if (indexed.has(tenantId)) return;
  const index = sql.raw(passageIndex(tenantId));
  await database(env).run(
    sql`CREATE VIRTUAL TABLE IF NOT EXISTS ${index} USING fts5(title, heading, text,
      content = 'chunks', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2')`,
  );
  indexed.add(tenantId);
}

/** The tenant's index has been dropped. */
export function forgetPassageIndex(tenantId: number): void {
  indexed.delete(tenantId);
}

/** How often passages of the tenant's have been deleted; undefined where the tenant is gone. */
export async function purgesOf(env: Bindings, tenantId: number): Promise<number | undefined> {
  // Unquoted: a quoted name of no column is a text to SQLite, and would be an answer.
  const [row] = await database(env).all<{ purges: number }>(
    sql`SELECT purges FROM tenants WHERE id = ${tenantId}`,
  );
  return row?.purges;
}

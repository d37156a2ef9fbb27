/** D1 through drizzle. All SQL on it is in this folder; what Durable Objects keep of their own is theirs. */
import { type SQL, sql } from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import { DrizzleQueryError } from 'drizzle-orm/errors';
import type { Bindings } from '../bindings.ts';
import * as schema from './schema.ts';

export type Database = DrizzleD1Database<typeof schema>;

/** By binding, of which an isolate has one: drizzle reads the whole schema each time. */
const databases = new WeakMap<D1Database, Database>();

export function database({ DB }: Pick<Bindings, 'DB'>): Database {
  const known = databases.get(DB) ?? drizzle(DB, { schema });
  databases.set(DB, known);
  return known;
}

/** Runs the statements in the order given, as one transaction. (Drizzle's own batch takes no raw SQL that binds values.) */
export async function transact(
  env: Pick<Bindings, 'DB'>,
  statements: readonly SQL[],
): Promise<void> {
  if (statements.length === 0) return;
  const db = database(env);
  const prepared = statements.map((statement) => {
    const { sql: text, params } = db.run(statement).getQuery();
    return env.DB.prepare(text).bind(...params);
  });
  await env.DB.batch(prepared);
}

/** Throws where D1 can't be read or has no tables. */
export async function probe(env: Pick<Bindings, 'DB'>): Promise<void> {
  const { tenants } = schema;
  try {
    await database(env).select({ id: tenants.id }).from(tenants).limit(1);
  } catch (error) {
    // What D1 says, without the query that it says it of.
    throw error instanceof DrizzleQueryError ? (error.cause ?? error) : error;
  }
}

/**
 * The values as a list for `inArray`, in one bound parameter however many they are:
 * D1 takes 100 a statement.
 */
export function listed(values: readonly (string | number)[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`;
}

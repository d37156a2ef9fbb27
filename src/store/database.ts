import { type SQL, sql } from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { Bindings } from '../bindings.ts';
import * as schema from './schema.ts';

export type Database = DrizzleD1Database<typeof schema>;

export function database(env: Pick<Bindings, 'DB'>): Database {
  return drizzle(env.DB, { schema });
}

/**
 * The values as a list for `inArray`, in one bound parameter however many they are:
 * D1 takes 100 a statement.
 */
export function listed(values: readonly (string | number)[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`;
}

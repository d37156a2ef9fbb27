import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { Bindings } from '../bindings.ts';
import * as schema from './schema.ts';

export type Database = DrizzleD1Database<typeof schema>;

export function database(env: Pick<Bindings, 'DB'>): Database {
  return drizzle(env.DB, { schema });
}

/** Passages whose words were indexed before `chunks.words`: as their text has them. */
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database, listed, transact } from './database.ts';
import { INDEXED, type IndexedWords, wordsJson } from './documents.ts';
import { chunks, documents } from './schema.ts';
import { passageIndex } from './tenants.ts';

/** The first ones of the tenant's. */
export function passagesWithoutWords(env: Bindings, tenantId: number, limit: number) {
  const { id, title, heading, text, words, documentId } = chunks;
  return database(env)
    .select({ id, title, heading, text })
    .from(chunks)
    .innerJoin(documents, eq(documents.id, documentId))
    .where(and(eq(documents.tenantId, tenantId), isNull(words)))
    .orderBy(asc(id))
    .limit(limit);
}

/** Indexes them anew, in one transaction. Passages deleted meanwhile stay deleted. One writer a tenant at a time. */
export async function putWords(
  env: Bindings,
  tenantId: number,
  passages: readonly { id: number; words: IndexedWords }[],
): Promise<void> {
  const index = sql.raw(passageIndex(tenantId));
  const rows = JSON.stringify(passages.map(({ id, words }) => [id, wordsJson(words)]));
  const changed = passages.filter(({ words }) => words.some((field) => field !== null));
  const which = sql`id IN ${listed(changed.map(({ id }) => id))}`;
  await transact(env, [
    sql`INSERT INTO ${index} (${index}, rowid, title, heading, text)
      SELECT 'delete', ${INDEXED} FROM chunks WHERE ${which}`,
    sql`UPDATE chunks SET words = row.value ->> 1 FROM json_each(${rows}) AS row
      WHERE chunks.id = row.value ->> 0`,
    sql`INSERT INTO ${index} (rowid, title, heading, text) SELECT ${INDEXED} FROM chunks WHERE ${which}`,
  ]);
}

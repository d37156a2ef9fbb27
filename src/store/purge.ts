/**
 * Deletes documents that nobody holds, with their passages, in transactions between
 * which others are served. A document is abandoned first: without its key no
 * ingestion finds it any more, so that none gives it a holder while it goes.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { pause } from '../pause.ts';
import { database, listed, transact } from './database.ts';
import { INDEXED, passageIndex, purgesOf } from './tenants.ts';

/** Passages deleted in one transaction: some ten milliseconds, in which D1 answers nobody else. */
const PASSAGES = 64;
/** Takes the place of the key, before the document's id. */
const ABANDONED = 'abandoned ';

/** @param which documents to take the keys from, as a condition on `documents` */
export function abandon(which: SQL): SQL {
  return sql`UPDATE documents SET key = ${ABANDONED} || id, complete = 0 WHERE ${which}`;
}

/**
 * Deletes documents that no store holds any more, with their passages. One that
 * is incomplete may be in the making: only its maker may ask for those too. What
 * is cut off here goes with the next purge. Of a tenant that is gone all documents go.
 */
export async function purgeOrphans(
  env: Bindings,
  tenantId: number,
  which: 'complete' | 'all' = 'complete',
): Promise<void> {
  const db = database(env);
  const orphaned = sql`tenant_id = ${tenantId}
    AND NOT EXISTS (SELECT 1 FROM store_files WHERE document_id = documents.id)`;
  await db.run(abandon(which === 'all' ? orphaned : sql`complete AND ${orphaned}`));
  const abandoned = await db.all<{ id: number }>(
    sql`SELECT id FROM documents WHERE tenant_id = ${tenantId} AND key GLOB ${`${ABANDONED}*`}`,
  );
  if (abandoned.length === 0) return;
  const ids = listed(abandoned.map(({ id }) => id));
  const hasIndex = (await purgesOf(env, tenantId)) !== undefined;
  for (;;) {
    const passages = await db.all<{ id: number }>(
      sql`SELECT id FROM chunks WHERE document_id IN ${ids} ORDER BY id LIMIT ${PASSAGES}`,
    );
    if (passages.length === 0) break;
    const batch = listed(passages.map(({ id }) => id));
    const unindexing = hasIndex ? unindexPassages(tenantId, batch) : [];
    await transact(env, [...unindexing, ...deletePassages(tenantId, batch)]);
    await pause();
  }
  await db.run(sql`DELETE FROM documents WHERE id IN ${ids}`);
}

/**
 * Of those that another purge has deleted meanwhile nothing is deleted twice: the index would
 * count it. FTS5's own command must be given what the row held, while `chunks` still has it.
 */
function unindexPassages(tenantId: number, ids: SQL): SQL[] {
  const index = sql.raw(passageIndex(tenantId));
  return [
    sql`INSERT INTO ${index} (${index}, rowid, title, heading, text)
      SELECT 'delete', ${INDEXED} FROM chunks WHERE id IN ${ids}`,
  ];
}

function deletePassages(tenantId: number, ids: SQL): SQL[] {
  const ours = sql`id IN ${ids}`;
  return [
    sql`DELETE FROM chunk_tokens WHERE chunk_id IN ${ids}`,
    sql`DELETE FROM chunk_vectors WHERE chunk_id IN ${ids}`,
    sql`UPDATE tenants SET purges = purges + 1
      WHERE id = ${tenantId} AND EXISTS (SELECT 1 FROM chunks WHERE ${ours})`,
    sql`DELETE FROM chunks WHERE ${ours}`,
  ];
}

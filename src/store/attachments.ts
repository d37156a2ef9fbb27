/** Files attached to stores: the queue that ingestion works off, and its results. */
import { and, count, eq, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database } from './database.ts';
import { newId } from './ids.ts';
import { type Page, type PageQuery, page } from './page.ts';
import { type Attributes, batches, type FileStatus, storeFiles } from './schema.ts';
import {
  detachEverywhere,
  type FileCounts,
  noFiles,
  type StoreFileRecord,
  type StoreRecord,
} from './stores.ts';

export interface NewAttachment {
  fileId: string;
  attributes: Attributes | null;
  /** Null: the model's own passage size. */
  chunkTokens: number | null;
  overlapTokens: number | null;
}

export type BatchRecord = typeof batches.$inferSelect;

/**
 * Attaches files and puts them in the queue. A file that is attached already is
 * queued again, with the new settings: what its content gave is found again.
 */
export async function attachFiles(
  env: Bindings,
  store: StoreRecord,
  attachments: readonly NewAttachment[],
  batchId: string | null,
): Promise<void> {
  // One bound value however many files: D1 takes a hundred parameters a statement.
  const rows = JSON.stringify(
    attachments.map((a) => [
      a.fileId,
      a.attributes && JSON.stringify(a.attributes),
      a.chunkTokens,
      a.overlapTokens,
    ]),
  );
  await database(env).run(
    sql`INSERT INTO store_files
        (store_id, tenant_id, batch_id, file_id, attributes, chunk_tokens, overlap_tokens)
      SELECT ${store.id}, ${store.tenantId}, ${batchId},
        value ->> 0, value ->> 1, value ->> 2, value ->> 3
      FROM json_each(${rows}) WHERE true
      ON CONFLICT (store_id, file_id) DO UPDATE SET
        status = 'in_progress', deaths = 0, error_code = NULL, error_message = NULL,
        batch_id = excluded.batch_id, attributes = excluded.attributes,
        chunk_tokens = excluded.chunk_tokens, overlap_tokens = excluded.overlap_tokens`,
  );
}

export function findAttachment(env: Bindings, store: StoreRecord, fileId: string) {
  return database(env).query.storeFiles.findFirst({
    where: and(eq(storeFiles.storeId, store.id), eq(storeFiles.fileId, fileId)),
  });
}

/** A store's files: those with a status, or of one batch. */
export function listAttachments(
  env: Bindings,
  storeId: string,
  { status, batchId }: { status?: FileStatus | undefined; batchId?: string },
  query: PageQuery,
): Promise<Page<StoreFileRecord>> {
  const { fileId: id, createdAt } = storeFiles;
  const wanted = and(
    status === undefined ? undefined : eq(storeFiles.status, status),
    batchId === undefined ? undefined : eq(storeFiles.batchId, batchId),
  );
  const owned = eq(storeFiles.storeId, storeId);
  return page(env, { table: storeFiles, id, createdAt, owned, wanted }, query);
}

export async function setAttributes(
  env: Bindings,
  attachment: StoreFileRecord,
  attributes: Attributes,
): Promise<void> {
  await database(env)
    .update(storeFiles)
    .set({ attributes })
    .where(
      and(eq(storeFiles.storeId, attachment.storeId), eq(storeFiles.fileId, attachment.fileId)),
    );
}

export function detach(env: Bindings, attachment: StoreFileRecord): Promise<void> {
  const which = and(
    eq(storeFiles.storeId, attachment.storeId),
    eq(storeFiles.fileId, attachment.fileId),
  );
  return detachEverywhere(env, attachment.tenantId, which!);
}

export async function createBatch(
  env: Bindings,
  store: StoreRecord,
  attachments: readonly NewAttachment[],
): Promise<BatchRecord> {
  const [batch] = await database(env)
    .insert(batches)
    .values({ id: newId('vsfb_'), storeId: store.id })
    .returning();
  await attachFiles(env, store, attachments, batch!.id);
  return batch!;
}

export function findBatch(env: Bindings, store: StoreRecord, id: string) {
  return database(env).query.batches.findFirst({
    where: and(eq(batches.storeId, store.id), eq(batches.id, id)),
  });
}

/**
 * Cancels what of the batch has not been worked off. Of a file that was attached
 * before, the passages are still there to be found, under its new attributes.
 */
export async function cancelBatch(env: Bindings, batch: BatchRecord): Promise<void> {
  const db = database(env);
  await db.batch([
    db.update(batches).set({ cancelled: true }).where(eq(batches.id, batch.id)),
    db
      .update(storeFiles)
      .set({ status: sql`CASE WHEN document_id IS NULL THEN 'cancelled' ELSE 'completed' END` })
      .where(and(eq(storeFiles.batchId, batch.id), eq(storeFiles.status, 'in_progress'))),
  ]);
}

export async function countBatch(env: Bindings, batch: BatchRecord): Promise<FileCounts> {
  const rows = await database(env)
    .select({ status: storeFiles.status, files: count() })
    .from(storeFiles)
    .where(eq(storeFiles.batchId, batch.id))
    .groupBy(storeFiles.status);
  const counts = noFiles();
  for (const row of rows) {
    counts[row.status] += row.files;
    counts.total += row.files;
  }
  return counts;
}

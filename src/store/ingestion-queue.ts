/** Attached files that wait to be read: rows of `store_files` that are `in_progress`, the oldest first. */
import { and, asc, eq, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database } from './database.ts';
import type { FileRecord } from './files.ts';
import { type FileErrorCode, files, storeFiles } from './schema.ts';
import type { StoreFileRecord } from './stores.ts';

/** An attachment with its file; null where that is gone. */
export interface Waiting {
  attachment: StoreFileRecord;
  file: FileRecord | null;
}

export function waitingFiles(env: Bindings, tenantId: number, limit: number): Promise<Waiting[]> {
  return database(env)
    .select({ attachment: storeFiles, file: files })
    .from(storeFiles)
    .leftJoin(files, and(eq(files.id, storeFiles.fileId), eq(files.tenantId, tenantId)))
    .where(and(eq(storeFiles.tenantId, tenantId), eq(storeFiles.status, 'in_progress')))
    .orderBy(asc(storeFiles.createdAt), asc(storeFiles.fileId))
    .limit(limit);
}

/** Counts a reading that is about to begin, of each of them: should the process die in it, the count stays. */
export function beginReading(env: Bindings, attachments: readonly StoreFileRecord[]) {
  return addDeaths(env, attachments, 1);
}

/** Takes the count back: the process has outlived the reading. */
export function endReading(env: Bindings, attachments: readonly StoreFileRecord[]) {
  return addDeaths(env, attachments, -1);
}

async function addDeaths(
  env: Bindings,
  attachments: readonly StoreFileRecord[],
  change: 1 | -1,
): Promise<void> {
  const rows = JSON.stringify(attachments.map(({ storeId, fileId }) => [storeId, fileId]));
  // Attached anew meanwhile, a file has a count of its own.
  await database(env).run(
    sql`UPDATE store_files SET deaths = max(0, deaths + ${change})
      WHERE status = 'in_progress' AND (store_id, file_id) IN
        (SELECT value ->> 0, value ->> 1 FROM json_each(${rows}))`,
  );
}

export interface Failure {
  attachment: StoreFileRecord;
  code: FileErrorCode;
  message: string;
}

/** Takes them out of the queue as failed. */
export async function failAttachments(env: Bindings, failures: readonly Failure[]): Promise<void> {
  const rows = failures.map(({ attachment: { storeId, fileId }, code, message }) => [
    storeId,
    fileId,
    code,
    message,
  ]);
  await database(env).run(
    sql`UPDATE store_files SET status = 'failed', document_id = NULL,
        error_code = row.value ->> 2, error_message = row.value ->> 3
      FROM json_each(${JSON.stringify(rows)}) AS row
      WHERE store_id = row.value ->> 0 AND file_id = row.value ->> 1 AND status = 'in_progress'`,
  );
}

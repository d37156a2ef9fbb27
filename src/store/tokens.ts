/** Token ids of passages that were taken in for another model's tokenizer. */
import { eq, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database } from './database.ts';
import { hex } from './ids.ts';
import { documents, storeFiles } from './schema.ts';

/** Passages deleted meanwhile get none; those that a search gave theirs keep them. */
export async function putTokens(
  env: Bindings,
  tokenizer: string,
  passages: readonly { id: number; ids: Int32Array }[],
): Promise<void> {
  const rows = JSON.stringify(
    passages.map(({ id, ids }) => [
      id,
      hex(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)),
    ]),
  );
  await database(env).run(
    sql`INSERT OR IGNORE INTO chunk_tokens (chunk_id, tokenizer, ids)
      SELECT c.id, ${tokenizer}, unhex(value ->> 1)
      FROM json_each(${rows}) JOIN chunks c ON c.id = value ->> 0`,
  );
}

/** All its passages have theirs. Gives the stores that hold it: their text can be drafted from now. */
export async function completeTokens(
  env: Bindings,
  documentId: number,
  tokenizer: string,
): Promise<string[]> {
  const db = database(env);
  await db.update(documents).set({ tokenizer }).where(eq(documents.id, documentId));
  const holders = await db
    .selectDistinct({ storeId: storeFiles.storeId })
    .from(storeFiles)
    .where(eq(storeFiles.documentId, documentId));
  return holders.map(({ storeId }) => storeId);
}

/** How many there are of something, and how many of them are prepared. */
interface Share {
  ready: number;
  of: number;
}

/** Of all tenants: what has token ids for this tokenizer, and whose has not. */
export interface Prepared {
  documents: Share;
  stores: Share;
  /** Tenants with documents that are not. */
  behind: number[];
}

/** O(documents and attachments), a few milliseconds for thousands. */
export async function preparedFor(env: Bindings, tokenizer: string): Promise<Prepared> {
  const db = database(env);
  const [rows, stores] = await Promise.all([
    db.all<Share & { tenantId: number }>(
      sql`SELECT tenant_id AS tenantId, count(*) AS "of", sum(tokenizer IS ${tokenizer}) AS ready
        FROM documents WHERE complete GROUP BY tenant_id`,
    ),
    db.all<Share>(
      sql`SELECT count(*) AS "of", coalesce(sum(ready), 0) AS ready FROM (
        SELECT min(d.tokenizer IS ${tokenizer}) AS ready
        FROM store_files a JOIN documents d ON d.id = a.document_id
        WHERE d.complete GROUP BY a.store_id)`,
    ),
  ]);
  const sum = (field: 'ready' | 'of') => rows.reduce((total, row) => total + row[field], 0);
  return {
    documents: { ready: sum('ready'), of: sum('of') },
    stores: stores[0]!,
    behind: rows.filter(({ ready, of }) => ready < of).map(({ tenantId }) => tenantId),
  };
}

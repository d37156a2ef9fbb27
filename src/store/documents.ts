/**
 * Passages: rows in `chunks`, their token ids and vectors, and the tenant's FTS5 index,
 * written and deleted together.
 */
import { and, eq, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database } from './database.ts';
import { hex } from './ids.ts';
import { documents, storeFiles, stores } from './schema.ts';
import { passageIndex } from './tenants.ts';

export interface NewChunk {
  title: string;
  heading: string;
  text: string;
  start: number;
  end: number;
  tokens: Int32Array;
  /** As `chunk_vectors` has it; null without an embedder. */
  vector: Uint8Array | null;
}

export interface NewDocument {
  /** Hex sha256 of the tokenizer.json that made the tokens. */
  tokenizer: string;
  /** Id of what made the vectors; null: there are none. */
  embedder: string | null;
  passages: readonly NewChunk[];
  notice: string | null;
}

/** D1 takes values up to 2 MB; a batch of rows travels as one JSON value. */
const MAX_ROWS_JSON = 1_000_000;

export function findDocument(env: Bindings, tenantId: number, key: string) {
  return database(env).query.documents.findFirst({
    where: and(eq(documents.tenantId, tenantId), eq(documents.key, key)),
  });
}

/**
 * Writes a document's passages and leaves it incomplete: `attachDocument`
 * completes it in the transaction that gives it a holder, so that no deletion
 * running beside can take it for an orphan. A document whose writing was cut
 * off is written from the start. One writer a tenant (its Ingestor) at a time.
 */
export async function writeDocument(
  env: Bindings,
  tenantId: number,
  key: string,
  document: NewDocument,
): Promise<number> {
  const { tokenizer, embedder, passages, notice } = document;
  const db = database(env);
  const [row] = await db
    .insert(documents)
    .values({ tenantId, key, notice })
    .onConflictDoUpdate({
      target: [documents.tenantId, documents.key],
      set: { complete: false, textBytes: 0, notice },
    })
    .returning({ id: documents.id });
  const documentId = row!.id;
  await deletePassages(env, tenantId, [documentId]);

  const index = passageIndex(tenantId);
  let textBytes = 0;
  for (const rows of batchesOf(passages)) {
    for (const passage of rows) textBytes += passage.text.length;
    const json = JSON.stringify(
      rows.map((p) => [
        ...[p.title, p.heading, p.text, p.start, p.end, tokensHex(p.tokens)],
        p.vector && hex(p.vector),
      ]),
    );
    // The new rows' ids are those above the highest one before: D1 runs a batch as one transaction.
    await env.DB.batch([
      env.DB.prepare(
        `INSERT INTO chunks (document_id, title, heading, text, start, "end")
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
         FROM json_each(?2) ORDER BY key`,
      ).bind(documentId, json),
      env.DB.prepare(
        `INSERT INTO chunk_tokens (chunk_id, tokenizer, ids)
         SELECT (SELECT max(id) FROM chunks) - ?1 + 1 + key, ?2, unhex(value ->> 5)
         FROM json_each(?3)`,
      ).bind(rows.length, tokenizer, json),
      env.DB.prepare(
        `INSERT INTO chunk_vectors (chunk_id, embedder, vector)
         SELECT (SELECT max(id) FROM chunks) - ?1 + 1 + key, ?2, unhex(value ->> 6)
         FROM json_each(?3) WHERE value ->> 6 IS NOT NULL`,
      ).bind(rows.length, embedder, json),
      env.DB.prepare(
        `INSERT INTO ${index} (rowid, title, heading, text)
         SELECT id, title, heading, text FROM chunks
         WHERE id > (SELECT max(id) FROM chunks) - ?1`,
      ).bind(rows.length),
    ]);
  }
  await db.update(documents).set({ textBytes }).where(eq(documents.id, documentId));
  return documentId;
}

/**
 * Makes the document the attachment's and both complete. False if the
 * attachment was cancelled or deleted meanwhile, or the document was.
 */
export async function attachDocument(
  env: Bindings,
  attachment: { storeId: string; fileId: string },
  documentId: number,
): Promise<boolean> {
  const db = database(env);
  const [, attached] = await db.batch([
    db.update(documents).set({ complete: true }).where(eq(documents.id, documentId)),
    db
      .update(storeFiles)
      .set({
        status: 'completed',
        documentId,
        errorCode: sql`(SELECT iif(notice IS NULL, NULL, 'invalid_file') FROM documents WHERE id = ${documentId})`,
        errorMessage: sql`(SELECT notice FROM documents WHERE id = ${documentId})`,
        usageBytes: sql`(SELECT text_bytes FROM documents WHERE id = ${documentId})`,
      })
      .where(
        and(
          eq(storeFiles.storeId, attachment.storeId),
          eq(storeFiles.fileId, attachment.fileId),
          eq(storeFiles.status, 'in_progress'),
          sql`EXISTS (SELECT 1 FROM documents WHERE id = ${documentId})`,
        ),
      )
      .returning({ fileId: storeFiles.fileId }),
    db.update(stores).set({ revision: sql`revision + 1` }).where(eq(stores.id, attachment.storeId)),
  ]);
  return attached.length > 0;
}

/**
 * Deletes documents that no store holds any more, with their passages. One that
 * is incomplete may be in the making: only its maker may ask for those too.
 */
export async function purgeOrphans(
  env: Bindings,
  tenantId: number,
  which: 'complete' | 'all' = 'complete',
): Promise<void> {
  const orphans = await database(env)
    .select({ id: documents.id })
    .from(documents)
    .where(
      and(
        eq(documents.tenantId, tenantId),
        which === 'complete' ? eq(documents.complete, true) : undefined,
        sql`NOT EXISTS (SELECT 1 FROM store_files WHERE document_id = ${documents.id})`,
      ),
    );
  if (orphans.length === 0) return;
  const ids = orphans.map((row) => row.id);
  await deletePassages(env, tenantId, ids);
  await env.DB.prepare('DELETE FROM documents WHERE id IN (SELECT value FROM json_each(?))')
    .bind(JSON.stringify(ids))
    .run();
}

async function deletePassages(env: Bindings, tenantId: number, documentIds: readonly number[]) {
  const ids = JSON.stringify(documentIds);
  const index = passageIndex(tenantId);
  const ours = `SELECT id FROM chunks
    WHERE document_id IN (SELECT value FROM json_each(?1))`;
  await env.DB.batch([
    // FTS5's own command: it must be given what the row held, while `chunks` still has it.
    env.DB.prepare(
      `INSERT INTO ${index} (${index}, rowid, title, heading, text)
       SELECT 'delete', id, title, heading, text FROM chunks
       WHERE document_id IN (SELECT value FROM json_each(?1))`,
    ).bind(ids),
    env.DB.prepare(`DELETE FROM chunk_tokens WHERE chunk_id IN (${ours})`).bind(ids),
    env.DB.prepare(`DELETE FROM chunk_vectors WHERE chunk_id IN (${ours})`).bind(ids),
    // Writing a document begins here too, where there is mostly nothing to delete.
    env.DB.prepare(
      `UPDATE tenants SET purges = purges + 1 WHERE id = ?2 AND EXISTS (${ours})`,
    ).bind(ids, tenantId),
    env.DB.prepare(
      'DELETE FROM chunks WHERE document_id IN (SELECT value FROM json_each(?1))',
    ).bind(ids),
  ]);
}

function* batchesOf(passages: readonly NewChunk[]): Generator<NewChunk[]> {
  let rows: NewChunk[] = [];
  let size = 0;
  for (const passage of passages) {
    // UTF-8 takes at most three bytes a code unit, an escaped control character six.
    const bytes = 6 * (passage.title.length + passage.heading.length + passage.text.length);
    const cost = bytes + 8 * passage.tokens.length + 2 * (passage.vector?.length ?? 0) + 64;
    if (rows.length > 0 && size + cost > MAX_ROWS_JSON) {
      yield rows;
      rows = [];
      size = 0;
    }
    rows.push(passage);
    size += cost;
  }
  if (rows.length > 0) yield rows;
}

function tokensHex(tokens: Int32Array): string {
  return hex(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength));
}

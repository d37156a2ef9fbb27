/**
 * Passages: rows in `chunks`, their token ids and vectors, and the tenant's FTS5 index,
 * written and deleted together.
 */
import { and, eq, inArray, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database, listed } from './database.ts';
import { hex } from './ids.ts';
import { documents } from './schema.ts';
import { passageIndex } from './tenants.ts';

interface NewChunk {
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
  key: string;
  passages: readonly NewChunk[];
  notice: string | null;
}

/** What made the passages' tokens and vectors. */
export interface Makers {
  /** Hex sha256 of the tokenizer.json. */
  tokenizer: string;
  /** Id of the embedder; null: there are no vectors. */
  embedder: string | null;
}

/** A file's place in a store, and the key of the document that it gave. */
export interface Holder {
  storeId: string;
  fileId: string;
  key: string;
}

/** D1 takes values up to 2 MB; rows travel as one JSON value, of at most three bytes a code unit. */
const MAX_ROWS_JSON = 600_000;
/** A transaction's rows: all documents of some small files, or a part of a large one. */
const MAX_TRANSACTION_JSON = 3_000_000;

/** Those of the keys that are there, by key. */
export async function findDocuments(env: Bindings, tenantId: number, keys: readonly string[]) {
  const rows = await database(env)
    .select({ id: documents.id, key: documents.key, complete: documents.complete })
    .from(documents)
    .where(and(eq(documents.tenantId, tenantId), inArray(documents.key, listed(keys))));
  return new Map(rows.map((row) => [row.key, row]));
}

/**
 * Writes documents and gives them their holders: in one transaction where it is
 * not too large. Else documents stay incomplete until the last one, which completes
 * them as it gives them holders, so that no deletion running beside can take them
 * for orphans. A document whose writing was cut off is written from the start.
 * One writer a tenant (its Ingestor) at a time. An attachment that was cancelled or
 * deleted meanwhile gets no document.
 */
export async function writeDocuments(
  env: Bindings,
  tenantId: number,
  makers: Makers,
  fresh: readonly NewDocument[],
  holders: readonly Holder[],
): Promise<void> {
  let transaction = begin(env, tenantId, fresh);
  let size = 0;
  for (const rows of batchesOf(fresh)) {
    if (size > 0 && size + rows.json.length > MAX_TRANSACTION_JSON) {
      await env.DB.batch(transaction);
      transaction = [];
      size = 0;
    }
    transaction.push(...insertPassages(env, tenantId, makers, rows));
    size += rows.json.length;
  }
  transaction.push(...complete(env, tenantId, makers, fresh, holders));
  await env.DB.batch(transaction);
}

function begin(env: Bindings, tenantId: number, fresh: readonly NewDocument[]) {
  if (fresh.length === 0) return [];
  const rows = JSON.stringify(
    fresh.map(({ key, notice, passages }) => [
      ...[key, notice],
      passages.reduce((total, { text }) => total + text.length, 0),
    ]),
  );
  const keys = JSON.stringify(fresh.map(({ key }) => key));
  return [
    env.DB.prepare(
      `INSERT INTO documents (tenant_id, key, notice, text_bytes, complete)
       SELECT ?1, value ->> 0, value ->> 1, value ->> 2, 0 FROM json_each(?2) WHERE true
       ON CONFLICT (tenant_id, key) DO UPDATE SET
         complete = 0, notice = excluded.notice, text_bytes = excluded.text_bytes`,
    ).bind(tenantId, rows),
    ...deletePassages(
      env,
      tenantId,
      'SELECT id FROM documents WHERE tenant_id = ?2 AND key IN (SELECT value FROM json_each(?1))',
      keys,
    ),
  ];
}

interface Rows {
  count: number;
  /** An array a row: the document's key, title, heading, text, start, end, tokens and vector in hex. */
  json: string;
}

function insertPassages(env: Bindings, tenantId: number, made: Makers, { count, json }: Rows) {
  // The new rows' ids are those above the highest one before: D1 runs a batch as one transaction.
  return [
    env.DB.prepare(
      `INSERT INTO chunks (document_id, title, heading, text, start, "end")
       SELECT (SELECT id FROM documents WHERE tenant_id = ?1 AND key = value ->> 0),
         value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
       FROM json_each(?2) ORDER BY key`,
    ).bind(tenantId, json),
    env.DB.prepare(
      `INSERT INTO chunk_tokens (chunk_id, tokenizer, ids)
       SELECT (SELECT max(id) FROM chunks) - ?1 + 1 + key, ?2, unhex(value ->> 6)
       FROM json_each(?3)`,
    ).bind(count, made.tokenizer, json),
    env.DB.prepare(
      `INSERT INTO chunk_vectors (chunk_id, embedder, vector)
       SELECT (SELECT max(id) FROM chunks) - ?1 + 1 + key, ?2, unhex(value ->> 7)
       FROM json_each(?3) WHERE value ->> 7 IS NOT NULL`,
    ).bind(count, made.embedder, json),
    env.DB.prepare(
      `INSERT INTO ${passageIndex(tenantId)} (rowid, title, heading, text)
       SELECT id, title, heading, text FROM chunks
       WHERE id > (SELECT max(id) FROM chunks) - ?1`,
    ).bind(count),
  ];
}

/** Completes the documents, and the attachments that still wait for one. */
function complete(
  env: Bindings,
  tenantId: number,
  { embedder }: Makers,
  fresh: readonly NewDocument[],
  holders: readonly Holder[],
) {
  const keys = JSON.stringify(fresh.map(({ key }) => key));
  const rows = JSON.stringify(holders.map(({ storeId, fileId, key }) => [storeId, fileId, key]));
  return [
    env.DB.prepare(
      `UPDATE documents SET complete = 1, embedder = ?3
       WHERE tenant_id = ?1 AND key IN (SELECT value FROM json_each(?2))`,
    ).bind(tenantId, keys, embedder),
    env.DB.prepare(
      `UPDATE store_files SET status = 'completed', document_id = d.id, usage_bytes = d.text_bytes,
         error_code = iif(d.notice IS NULL, NULL, 'invalid_file'), error_message = d.notice
       FROM json_each(?2) AS row JOIN documents d ON d.tenant_id = ?1 AND d.key = row.value ->> 2
       WHERE store_files.store_id = row.value ->> 0 AND store_files.file_id = row.value ->> 1
         AND store_files.status = 'in_progress' AND d.complete`,
    ).bind(tenantId, rows),
    env.DB.prepare(
      `UPDATE stores SET revision = revision + 1
       WHERE id IN (SELECT value ->> 0 FROM json_each(?1))`,
    ).bind(rows),
  ];
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
  const ids = JSON.stringify(orphans.map((row) => row.id));
  await env.DB.batch([
    ...deletePassages(env, tenantId, 'SELECT value FROM json_each(?1)', ids),
    env.DB.prepare('DELETE FROM documents WHERE id IN (SELECT value FROM json_each(?))').bind(ids),
  ]);
}

/** @param which the documents' ids, as a query over `?1`, bound to `list`; `?2` is the tenant */
function deletePassages(env: Bindings, tenantId: number, which: string, list: string) {
  const index = passageIndex(tenantId);
  const ours = `SELECT id FROM chunks WHERE document_id IN (${which})`;
  return [
    // FTS5's own command: it must be given what the row held, while `chunks` still has it.
    `INSERT INTO ${index} (${index}, rowid, title, heading, text)
     SELECT 'delete', id, title, heading, text FROM chunks WHERE document_id IN (${which})`,
    `DELETE FROM chunk_tokens WHERE chunk_id IN (${ours})`,
    `DELETE FROM chunk_vectors WHERE chunk_id IN (${ours})`,
    // Writing a document begins here too, where there is mostly nothing to delete.
    `UPDATE tenants SET purges = purges + 1 WHERE id = ?2 AND EXISTS (${ours})`,
    `DELETE FROM chunks WHERE document_id IN (${which})`,
  ].map((statement) => {
    const prepared = env.DB.prepare(statement);
    return statement.includes('?2') ? prepared.bind(list, tenantId) : prepared.bind(list);
  });
}

function* batchesOf(fresh: readonly NewDocument[]): Generator<Rows> {
  let rows: string[] = [];
  let size = 0;
  for (const { key, passages } of fresh) {
    for (const p of passages) {
      const { title, heading, text, start, end } = p;
      const blobs = [tokensHex(p.tokens), p.vector && hex(p.vector)];
      const row = JSON.stringify([key, title, heading, text, start, end, ...blobs]);
      if (rows.length > 0 && size + row.length > MAX_ROWS_JSON) {
        yield { count: rows.length, json: `[${rows.join()}]` };
        rows = [];
        size = 0;
      }
      rows.push(row);
      size += row.length;
    }
  }
  if (rows.length > 0) yield { count: rows.length, json: `[${rows.join()}]` };
}

function tokensHex(tokens: Int32Array): string {
  return hex(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength));
}

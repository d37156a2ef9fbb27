/**
 * Passages: rows in `chunks`, their token ids and vectors, and the tenant's FTS5 index,
 * written and deleted together.
 */
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database, listed, transact } from './database.ts';
import { hex } from './ids.ts';
import { documents } from './schema.ts';
import { passageIndex } from './tenants.ts';

/** Title, heading and text as the word index has them; null for as they are. */
export type IndexedWords = readonly [string | null, string | null, string | null];

interface NewChunk {
  title: string;
  heading: string;
  text: string;
  start: number;
  end: number;
  words: IndexedWords;
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

/** A row of the word index, out of `chunks`. */
export const INDEXED = sql.raw(
  'id, coalesce(words ->> 0, title), coalesce(words ->> 1, heading), coalesce(words ->> 2, text)',
);

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
  let transaction = begin(tenantId, fresh);
  let size = 0;
  for (const rows of batchesOf(fresh)) {
    if (size > 0 && size + rows.json.length > MAX_TRANSACTION_JSON) {
      await transact(env, transaction);
      transaction = [];
      size = 0;
    }
    transaction.push(...insertPassages(tenantId, makers, rows));
    size += rows.json.length;
  }
  transaction.push(...complete(tenantId, makers, fresh, holders));
  await transact(env, transaction);
}

function begin(tenantId: number, fresh: readonly NewDocument[]): SQL[] {
  if (fresh.length === 0) return [];
  const rows = JSON.stringify(
    fresh.map(({ key, notice, passages }) => [
      ...[key, notice],
      passages.reduce((total, { text }) => total + text.length, 0),
    ]),
  );
  return [
    sql`INSERT INTO documents (tenant_id, key, notice, text_bytes, complete)
      SELECT ${tenantId}, value ->> 0, value ->> 1, value ->> 2, 0 FROM json_each(${rows}) WHERE true
      ON CONFLICT (tenant_id, key) DO UPDATE SET
        complete = 0, notice = excluded.notice, text_bytes = excluded.text_bytes`,
    ...deletePassages(tenantId, sql`(SELECT id FROM documents WHERE ${withKeys(tenantId, fresh)})`),
  ];
}

function withKeys(tenantId: number, fresh: readonly NewDocument[]): SQL {
  return sql`tenant_id = ${tenantId} AND key IN ${listed(fresh.map(({ key }) => key))}`;
}

interface Rows {
  count: number;
  /** An array a row: the document's key, title, heading, text, start, end, words, tokens and vector in hex. */
  json: string;
}

function insertPassages(tenantId: number, made: Makers, { count, json }: Rows): SQL[] {
  // The new rows' ids are those above the highest one before: D1 runs a batch as one transaction.
  const before = sql`(SELECT max(id) FROM chunks) - ${count}`;
  const index = sql.raw(passageIndex(tenantId));
  return [
    sql`INSERT INTO chunks (document_id, title, heading, text, start, "end", words)
      SELECT (SELECT id FROM documents WHERE tenant_id = ${tenantId} AND key = value ->> 0),
        value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
      FROM json_each(${json}) ORDER BY key`,
    sql`INSERT INTO chunk_tokens (chunk_id, tokenizer, ids)
      SELECT ${before} + 1 + key, ${made.tokenizer}, unhex(value ->> 7) FROM json_each(${json})`,
    sql`INSERT INTO chunk_vectors (chunk_id, embedder, vector)
      SELECT ${before} + 1 + key, ${made.embedder}, unhex(value ->> 8)
      FROM json_each(${json}) WHERE value ->> 8 IS NOT NULL`,
    sql`INSERT INTO ${index} (rowid, title, heading, text)
      SELECT ${INDEXED} FROM chunks WHERE id > ${before}`,
  ];
}

/** Completes the documents, and the attachments that still wait for one. */
function complete(
  tenantId: number,
  { embedder }: Makers,
  fresh: readonly NewDocument[],
  holders: readonly Holder[],
): SQL[] {
  const rows = JSON.stringify(holders.map(({ storeId, fileId, key }) => [storeId, fileId, key]));
  return [
    sql`UPDATE documents SET complete = 1, embedder = ${embedder} WHERE ${withKeys(tenantId, fresh)}`,
    sql`UPDATE store_files SET status = 'completed', document_id = d.id, usage_bytes = d.text_bytes,
        error_code = iif(d.notice IS NULL, NULL, 'invalid_file'), error_message = d.notice
      FROM json_each(${rows}) AS row
        JOIN documents d ON d.tenant_id = ${tenantId} AND d.key = row.value ->> 2
      WHERE store_files.store_id = row.value ->> 0 AND store_files.file_id = row.value ->> 1
        AND store_files.status = 'in_progress' AND d.complete`,
    sql`UPDATE stores SET revision = revision + 1
      WHERE id IN (SELECT value ->> 0 FROM json_each(${rows}))`,
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
  const ids = listed(orphans.map((row) => row.id));
  await transact(env, [
    ...deletePassages(tenantId, ids),
    sql`DELETE FROM documents WHERE id IN ${ids}`,
  ]);
}

/** Those of the passages that are in no document of the tenant's any more. */
export async function deadPassages(
  env: Bindings,
  tenantId: number,
  ids: readonly number[],
): Promise<number[]> {
  const json = JSON.stringify(ids);
  const rows = await database(env).all<{ id: number }>(
    sql`SELECT value AS id FROM json_each(${json}) WHERE value NOT IN (
        SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id
        WHERE d.tenant_id = ${tenantId} AND c.id IN ${listed(ids)})`,
  );
  return rows.map(({ id }) => id);
}

/** @param which the documents' ids, as a list for IN */
function deletePassages(tenantId: number, which: SQL): SQL[] {
  const index = sql.raw(passageIndex(tenantId));
  const ours = sql`document_id IN ${which}`;
  const ids = sql`SELECT id FROM chunks WHERE ${ours}`;
  return [
    // FTS5's own command: it must be given what the row held, while `chunks` still has it.
    sql`INSERT INTO ${index} (${index}, rowid, title, heading, text)
      SELECT 'delete', ${INDEXED} FROM chunks WHERE ${ours}`,
    sql`DELETE FROM chunk_tokens WHERE chunk_id IN (${ids})`,
    sql`DELETE FROM chunk_vectors WHERE chunk_id IN (${ids})`,
    // Writing a document begins here too, where there is mostly nothing to delete.
    sql`UPDATE tenants SET purges = purges + 1 WHERE id = ${tenantId} AND EXISTS (${ids})`,
    sql`DELETE FROM chunks WHERE ${ours}`,
  ];
}

/** As `chunks.words` has it. */
export function wordsJson(words: IndexedWords): string {
  return JSON.stringify(words.every((field) => field === null) ? [] : words);
}

function* batchesOf(fresh: readonly NewDocument[]): Generator<Rows> {
  let rows: string[] = [];
  let size = 0;
  for (const { key, passages } of fresh) {
    for (const p of passages) {
      const { title, heading, text, start, end } = p;
      const blobs = [tokensHex(p.tokens), p.vector && hex(p.vector)];
      const row = JSON.stringify([
        key,
        title,
        heading,
        text,
        start,
        end,
        wordsJson(p.words),
        ...blobs,
      ]);
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

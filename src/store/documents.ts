/**
 * Passages: rows in `chunks`, their token ids and vectors, and the tenant's FTS5 index,
 * written together. purge.ts deletes them.
 */
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { pause } from '../pause.ts';
import { database, listed, transact } from './database.ts';
import { hex } from './ids.ts';
import { abandon } from './purge.ts';
import { documents } from './schema.ts';
import { INDEXED, passageIndex } from './tenants.ts';

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

/**
 * Of a transaction's rows, which travel as one JSON value, in UTF-16 code units: some
 * ten milliseconds, in which D1 answers nobody else. A larger row is alone.
 */
const MAX_ROWS_JSON = 100_000;

/** Those of the keys that are there, by key. */
export async function findDocuments(env: Bindings, tenantId: number, keys: readonly string[]) {
  const rows = await database(env)
    .select({ id: documents.id, key: documents.key, complete: documents.complete })
    .from(documents)
    .where(and(eq(documents.tenantId, tenantId), inArray(documents.key, listed(keys))));
  return new Map(rows.map((row) => [row.key, row]));
}

/**
 * Writes documents and gives them their holders, in transactions between which
 * others are served. Documents stay incomplete until the last one, which completes
 * them as it gives them holders, so that no deletion running beside can take them
 * for orphans. A document whose writing was cut off is left to be purged, and written
 * anew. One writer a tenant (its Ingestor) at a time. An attachment that was cancelled
 * or deleted meanwhile gets no document.
 */
export async function writeDocuments(
  env: Bindings,
  tenantId: number,
  makers: Makers,
  fresh: readonly NewDocument[],
  holders: readonly Holder[],
): Promise<void> {
  let transaction = begin(tenantId, fresh);
  for (const rows of batchesOf(fresh)) {
    transaction.push(...insertPassages(tenantId, makers, rows));
    // The last one is written together with what completes the documents.
    if (rows.isLast) break;
    await transact(env, transaction);
    await pause();
    transaction = [];
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
    abandon(sql`NOT complete AND ${withKeys(tenantId, fresh)}`),
    sql`INSERT INTO documents (tenant_id, key, notice, text_bytes, complete)
      SELECT ${tenantId}, value ->> 0, value ->> 1, value ->> 2, 0 FROM json_each(${rows})`,
  ];
}

function withKeys(tenantId: number, fresh: readonly NewDocument[]): SQL {
  return sql`tenant_id = ${tenantId} AND key IN ${listed(fresh.map(({ key }) => key))}`;
}

interface Rows {
  count: number;
  isLast: boolean;
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
  { embedder, tokenizer }: Makers,
  fresh: readonly NewDocument[],
  holders: readonly Holder[],
): SQL[] {
  const rows = JSON.stringify(holders.map(({ storeId, fileId, key }) => [storeId, fileId, key]));
  return [
    sql`UPDATE documents SET complete = 1, embedder = ${embedder}, tokenizer = ${tokenizer}
      WHERE ${withKeys(tenantId, fresh)}`,
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
        yield { count: rows.length, json: `[${rows.join()}]`, isLast: false };
        rows = [];
        size = 0;
      }
      rows.push(row);
      size += row.length;
    }
  }
  if (rows.length > 0) yield { count: rows.length, json: `[${rows.join()}]`, isLast: true };
}

function tokensHex(tokens: Int32Array): string {
  return hex(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength));
}

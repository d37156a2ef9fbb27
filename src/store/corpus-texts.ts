/** Token ids of a store's documents, out of D1: passage by passage, as ingestion cut them. */
import { and, eq, isNotNull, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database, listed } from './database.ts';
import type { CorpusPlace } from './objects/memory.ts';
import { SECONDS_PER_DAY, storeFiles } from './schema.ts';

/** A document's passages, each a text of its own: nothing is drafted across their ends. */
export interface DocumentTexts {
  id: number;
  passages: Int32Array[];
}

export interface DocumentSize {
  id: number;
  tokens: number;
}

/** Passages in one row of an answer, and tokens in one answer: D1 bounds both. */
const PASSAGES_A_ROW = 32;
const TOKENS_A_QUERY = 250_000;

/** What D1 says of the store: null when it, or its tenant, is gone. */
export async function storeState(
  env: Bindings,
  { tenantId, storeId }: CorpusPlace,
): Promise<{ revision: number; expired: boolean } | null> {
  const [row] = await database(env).all<{ revision: number; expired: number }>(
    sql`SELECT s.revision, (s.expires_after_days IS NOT NULL AND
        s.last_active_at + s.expires_after_days * ${SECONDS_PER_DAY} <= unixepoch()) AS expired
      FROM stores s JOIN tenants t ON t.id = s.tenant_id
      WHERE s.id = ${storeId} AND s.tenant_id = ${tenantId}`,
  );
  return row ? { revision: row.revision, expired: row.expired === 1 } : null;
}

/** Documents that the store holds now. */
export async function documentsOf(
  env: Bindings,
  { tenantId, storeId }: CorpusPlace,
): Promise<Set<number>> {
  const { documentId } = storeFiles;
  const held = and(
    eq(storeFiles.storeId, storeId),
    eq(storeFiles.tenantId, tenantId),
    isNotNull(documentId),
  );
  const rows = await database(env).selectDistinct({ id: documentId }).from(storeFiles).where(held);
  return new Set(rows.map(({ id }) => id!));
}

/** Tokens of those documents that have any for this tokenizer, in the order of their ids. */
export function sizesOf(
  env: Bindings,
  { tenantId, tokenizer }: CorpusPlace,
  ids: readonly number[],
): Promise<DocumentSize[]> {
  return database(env).all<DocumentSize>(
    sql`SELECT c.document_id AS id, sum(length(t.ids)) / 4 AS tokens
      FROM documents d JOIN chunks c ON c.document_id = d.id
      JOIN chunk_tokens t ON t.chunk_id = c.id AND t.tokenizer = ${tokenizer}
      WHERE d.tenant_id = ${tenantId} AND d.complete AND d.id IN ${listed(ids)}
      GROUP BY c.document_id ORDER BY c.document_id`,
  );
}

/** The documents' passages. Those deleted meanwhile are left out. */
export async function readTexts(
  env: Bindings,
  place: CorpusPlace,
  documents: readonly DocumentSize[],
): Promise<DocumentTexts[]> {
  const texts: DocumentTexts[] = [];
  for (let from = 0; from < documents.length; ) {
    let to = from;
    for (let tokens = 0; to < documents.length && tokens <= TOKENS_A_QUERY; to++) {
      tokens += documents[to]!.tokens;
    }
    texts.push(...(await readSome(env, place, documents.slice(from, to))));
    from = to;
  }
  return texts;
}

async function readSome(
  env: Bindings,
  { tenantId, tokenizer }: CorpusPlace,
  documents: readonly DocumentSize[],
): Promise<DocumentTexts[]> {
  const ids = documents.map(({ id }) => id);
  const results = await database(env).all<{ id: number; passages: string }>(
    sql`SELECT id, group_concat(ids, ',') AS passages FROM (
        SELECT c.document_id AS id, hex(t.ids) AS ids, c.id / ${PASSAGES_A_ROW} AS page
        FROM documents d JOIN chunks c ON c.document_id = d.id
        JOIN chunk_tokens t ON t.chunk_id = c.id AND t.tokenizer = ${tokenizer}
        WHERE d.tenant_id = ${tenantId} AND d.id IN ${listed(ids)} ORDER BY c.id)
      GROUP BY id, page ORDER BY id, page`,
  );
  const byId = new Map<number, Int32Array[]>();
  for (const { id, passages } of results) {
    const texts = byId.get(id) ?? [];
    for (const hex of passages.split(',')) texts.push(tokensOf(hex));
    byId.set(id, texts);
  }
  return [...byId].map(([id, passages]) => ({ id, passages }));
}

/** Little-endian int32, as SQLite writes bytes in hex. */
function tokensOf(hex: string): Int32Array {
  const tokens = new Int32Array(hex.length / 8);
  for (let i = 0; i < tokens.length; i++) {
    const word = Number.parseInt(hex.slice(8 * i, 8 * i + 8), 16);
    tokens[i] =
      ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
  }
  return tokens;
}

/** Token ids of a store's documents, out of D1: passage by passage, as ingestion cut them. */
import type { Bindings } from '../../bindings.ts';
import type { CorpusPlace } from '../../store/objects/memory.ts';
import { SECONDS_PER_DAY } from '../../store/schema.ts';

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
  { DB }: Bindings,
  { tenantId, storeId }: CorpusPlace,
): Promise<{ revision: number; expired: boolean } | null> {
  const row = await DB.prepare(
    `SELECT s.revision, (s.expires_after_days IS NOT NULL AND
         s.last_active_at + s.expires_after_days * ${SECONDS_PER_DAY} <= unixepoch()) AS expired
       FROM stores s JOIN tenants t ON t.id = s.tenant_id WHERE s.id = ? AND s.tenant_id = ?`,
  )
    .bind(storeId, tenantId)
    .first<{ revision: number; expired: number }>();
  return row && { revision: row.revision, expired: row.expired === 1 };
}

/** Documents that the store holds now. */
export async function documentsOf(
  { DB }: Bindings,
  { tenantId, storeId }: CorpusPlace,
): Promise<Set<number>> {
  const { results } = await DB.prepare(
    `SELECT DISTINCT document_id AS id FROM store_files
       WHERE store_id = ? AND tenant_id = ? AND document_id IS NOT NULL`,
  )
    .bind(storeId, tenantId)
    .all<{ id: number }>();
  return new Set(results.map(({ id }) => id));
}

/** Tokens of those documents that have any for this tokenizer, in the order of their ids. */
export async function sizesOf(
  { DB }: Bindings,
  { tenantId, tokenizer }: CorpusPlace,
  ids: readonly number[],
): Promise<DocumentSize[]> {
  const { results } = await DB.prepare(
    `SELECT c.document_id AS id, sum(length(t.ids)) / 4 AS tokens
       FROM documents d JOIN chunks c ON c.document_id = d.id
       JOIN chunk_tokens t ON t.chunk_id = c.id AND t.tokenizer = ?1
       WHERE d.tenant_id = ?2 AND d.complete AND d.id IN (SELECT value FROM json_each(?3))
       GROUP BY c.document_id ORDER BY c.document_id`,
  )
    .bind(tokenizer, tenantId, JSON.stringify(ids))
    .all<DocumentSize>();
  return results;
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
  { DB }: Bindings,
  { tenantId, tokenizer }: CorpusPlace,
  documents: readonly DocumentSize[],
): Promise<DocumentTexts[]> {
  const { results } = await DB.prepare(
    `SELECT id, group_concat(ids, ',') AS passages FROM (
         SELECT c.document_id AS id, hex(t.ids) AS ids, c.id / ${PASSAGES_A_ROW} AS page
         FROM documents d JOIN chunks c ON c.document_id = d.id
         JOIN chunk_tokens t ON t.chunk_id = c.id AND t.tokenizer = ?1
         WHERE d.tenant_id = ?2 AND d.id IN (SELECT value FROM json_each(?3)) ORDER BY c.id)
       GROUP BY id, page ORDER BY id, page`,
  )
    .bind(tokenizer, tenantId, JSON.stringify(documents.map(({ id }) => id)))
    .all<{ id: number; passages: string }>();
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

/** Token ids of a store's documents, out of D1: passage by passage, as ingestion cut them. */
import { and, eq, isNotNull, type SQL, sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { pause } from '../pause.ts';
import { database, listed } from './database.ts';
import { groupsWithin } from './groups.ts';
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

/** Of the documents that are read together; a larger one is read alone. */
const TOKENS_TOGETHER = 65_536;
/** Passages in one of D1's answers: some twenty milliseconds, in which it answers nobody else. */
const PASSAGES_A_QUERY = 256;
/** The same of what is only counted, and the text of documents that are counted together. */
const PASSAGES_COUNTED = 2_048;
const BYTES_COUNTED_TOGETHER = 1_000_000;

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

/**
 * Tokens of those documents that have all theirs for this tokenizer, in the order of
 * their ids. Counted by pages: one sum over a large table is 40 ms and more.
 */
export async function sizesOf(
  env: Bindings,
  place: CorpusPlace,
  ids: readonly number[],
): Promise<DocumentSize[]> {
  const { tenantId, tokenizer } = place;
  const whole = await database(env).all<{ id: number; bytes: number }>(
    sql`SELECT id, text_bytes AS bytes FROM documents d
      WHERE d.tenant_id = ${tenantId} AND d.complete AND d.tokenizer = ${tokenizer}
        AND d.id IN ${listed(ids)} ORDER BY id`,
  );
  const sizes = new Map<number, number>();
  for (const group of groupsWithin(whole, ({ bytes }) => bytes, BYTES_COUNTED_TOGETHER)) {
    const grouped = group.map(({ id }) => id);
    for (let last = 0, more = true; more; ) {
      const page = await countedBehind(env, place, grouped, last);
      let passages = 0;
      for (const counted of page) {
        sizes.set(counted.id, (sizes.get(counted.id) ?? 0) + counted.tokens);
        passages += counted.passages;
        last = Math.max(last, counted.last);
      }
      more = passages === PASSAGES_COUNTED;
      await pause();
    }
  }
  return [...sizes].map(([id, tokens]) => ({ id, tokens })).sort((a, b) => a.id - b.id);
}

/** Of each document's passages with ids above `last`, the lowest of all: how many they are and their tokens. */
function countedBehind(
  env: Bindings,
  { tenantId, tokenizer }: CorpusPlace,
  ids: readonly number[],
  last: number,
) {
  return database(env).all<{ id: number; tokens: number; passages: number; last: number }>(
    sql`SELECT document AS id, sum(bytes) / 4 AS tokens, count(*) AS passages, max(chunk) AS last
      FROM (SELECT c.document_id AS document, c.id AS chunk, length(t.ids) AS bytes
        FROM documents d JOIN chunks c ON c.document_id = d.id
        JOIN chunk_tokens t ON t.chunk_id = c.id AND t.tokenizer = ${tokenizer}
        WHERE d.tenant_id = ${tenantId} AND d.id ${oneOrMore(ids)} AND c.id > ${last}
        ORDER BY c.id LIMIT ${PASSAGES_COUNTED})
      GROUP BY document`,
  );
}

/** The documents' passages, the first ones where a document has more tokens than it says here. Those deleted meanwhile are left out. */
export async function readTexts(
  env: Bindings,
  place: CorpusPlace,
  documents: readonly DocumentSize[],
): Promise<DocumentTexts[]> {
  const texts = new Map<number, Int32Array[]>();
  for (const group of groupsWithin(documents, ({ tokens }) => tokens, TOKENS_TOGETHER)) {
    const ids = group.map(({ id }) => id);
    let wanted = group.reduce((sum, { tokens }) => sum + tokens, 0);
    for (let last = 0, more = true; more && wanted > 0; ) {
      const rows = await passagesBehind(env, place, ids, last);
      for (const { document, chunk, hex } of rows) {
        const tokens = tokensOf(hex);
        const passages = texts.get(document) ?? [];
        passages.push(tokens);
        texts.set(document, passages);
        wanted -= tokens.length;
        last = chunk;
      }
      more = rows.length === PASSAGES_A_QUERY;
      await pause();
    }
  }
  return [...texts].map(([id, passages]) => ({ id, passages }));
}

/** Of the documents, the passages with ids above `last`, the lowest first. */
function passagesBehind(
  env: Bindings,
  { tenantId, tokenizer }: CorpusPlace,
  ids: readonly number[],
  last: number,
) {
  return database(env).all<{ document: number; chunk: number; hex: string }>(
    sql`SELECT c.document_id AS document, c.id AS chunk, hex(t.ids) AS hex
      FROM documents d JOIN chunks c ON c.document_id = d.id
      JOIN chunk_tokens t ON t.chunk_id = c.id AND t.tokenizer = ${tokenizer}
      WHERE d.tenant_id = ${tenantId} AND d.id ${oneOrMore(ids)} AND c.id > ${last}
      ORDER BY c.id LIMIT ${PASSAGES_A_QUERY}`,
  );
}

/** Of one document, passages are in the order of the index; of several they are sorted. */
function oneOrMore(ids: readonly number[]): SQL {
  return ids.length === 1 ? sql`= ${ids[0]}` : sql`IN ${listed(ids)}`;
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

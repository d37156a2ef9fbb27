/** A question to the passages that may answer it, best first. */
import { sql } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database } from '../store/database.ts';
import { loadModel } from '../store/model.ts';
import { chunkTokens } from '../store/schema.ts';
import { type Namespace, passageIndex } from '../store/tenants.ts';
import { matchQuery } from './query.ts';

export interface Passage {
  id: number;
  fileId: string;
  fileName: string;
  title: string;
  heading: string;
  text: string;
  /** Of `text`, by the target's tokenizer. */
  tokens: Int32Array;
  /** Range in the file's text, in UTF-16 code units. */
  start: number;
  end: number;
  /** In (0, 1), higher is better; comparable within one search. */
  score: number;
}

/** Most passages a search returns. */
export const MAX_RESULTS = 50;

/** bm25 weights of title, heading and text: a heading's words say what a section is about. */
const WEIGHTS = '2.0, 4.0, 1.0';

interface Row {
  id: number;
  fileId: string;
  fileName: string;
  title: string;
  heading: string;
  text: string;
  start: number;
  end: number;
  bm25: number;
  ids: number[] | ArrayBuffer | null;
}

/**
 * The `k` best passages of the stores named, which must be the namespace's own:
 * others are as if they weren't there. Any text is a valid query; one without
 * words finds nothing.
 */
export async function search(
  env: Bindings,
  namespace: Namespace,
  storeIds: readonly string[],
  query: string,
  k: number,
): Promise<Passage[]> {
  const match = matchQuery(query);
  if (match === undefined || storeIds.length === 0) return [];
  const index = passageIndex(namespace.tenantId);
  const { results } = await env.DB.prepare(
    `SELECT c.id, f.id AS fileId, f.filename AS fileName, c.title, c.heading, c.text, c.start,
            c."end", bm25(${index}, ${WEIGHTS}) AS bm25, t.ids
     FROM ${index} AS i
     JOIN chunks c ON c.id = i.rowid
     JOIN files f ON f.tenant_id = ?1 AND f.id = (
       SELECT min(file_id) FROM store_files sf
       WHERE sf.document_id = c.document_id AND sf.tenant_id = ?1 AND sf.status = 'completed'
         AND sf.store_id IN (SELECT value FROM json_each(?2)))
     LEFT JOIN chunk_tokens t ON t.chunk_id = c.id AND t.tokenizer = ?3
     WHERE ${index} MATCH ?4
     ORDER BY bm25, c.id LIMIT ?5`,
  )
    .bind(
      namespace.tenantId,
      JSON.stringify(storeIds),
      namespace.tokenizer,
      match,
      Math.min(k, MAX_RESULTS),
    )
    .all<Row>();
  return Promise.all(results.map((row) => toPassage(env, namespace, row)));
}

async function toPassage(env: Bindings, namespace: Namespace, row: Row): Promise<Passage> {
  const { bm25, ids, ...passage } = row;
  const tokens = ids
    ? new Int32Array(new Uint8Array(ids).buffer)
    : await tokenize(env, namespace, row);
  // bm25() is negative, lower is better; x / (1 + x) keeps the order and fits (0, 1).
  return { ...passage, tokens, score: -bm25 / (1 - bm25) };
}

/** Passages that were ingested for another model get this one's tokens when first found. */
async function tokenize(env: Bindings, namespace: Namespace, row: Row): Promise<Int32Array> {
  const ids = (await loadModel(env)).encodeUntrusted(row.text);
  await database(env)
    .insert(chunkTokens)
    .values({ chunkId: row.id, tokenizer: namespace.tokenizer, ids })
    .onConflictDoUpdate({
      target: [chunkTokens.chunkId, chunkTokens.tokenizer],
      set: { ids: sql`excluded.ids` },
    });
  return ids;
}

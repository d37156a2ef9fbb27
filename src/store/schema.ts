/**
 * What D1 keeps. docs/storage.md explains the tables and who deletes what; the
 * passage index is not here, since FTS5 tables are made per tenant (tenants.ts).
 */
import { sql } from 'drizzle-orm';
import {
  customType,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';

/** Seconds since 1970, as OpenAI's `created_at`. */
const seconds = (name: string) => integer(name).notNull().default(sql`(unixepoch())`);

export const tenants = sqliteTable(
  'tenants',
  {
    /** Small and dense: it names the tenant's FTS5 table. */
    id: integer('id').primaryKey({ autoIncrement: true }),
    name: text('name').notNull(),
    /** Rises with every deletion of passages: what was made of them elsewhere is checked then. */
    purges: integer('purges').notNull().default(0),
    createdAt: seconds('created_at'),
  },
  (table) => [uniqueIndex('tenants_name').on(table.name)],
);

/** What a key may do. `admin` may do everything to its tenant; `metrics` are the whole instance's. */
export const SCOPES = ['chat', 'ingest', 'admin', 'metrics'] as const;
export type KeyScope = (typeof SCOPES)[number];

/** Starts every key, so that one pasted into the wrong place is recognised. */
export const KEY_PREFIX = 'esp_';

export const apiKeys = sqliteTable(
  'api_keys',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    tenantId: integer('tenant_id').notNull(),
    name: text('name').notNull(),
    /** Hex sha256 of the key. A key is 192 random bits: no salt or slow hash is needed. */
    hash: text('hash').notNull(),
    /** Its first characters, to distinguish keys in lists. */
    start: text('start').notNull(),
    scopes: text('scopes', { mode: 'json' }).$type<KeyScope[]>().notNull(),
    requestsPerMinute: integer('requests_per_minute').notNull(),
    concurrency: integer('concurrency').notNull(),
    createdAt: seconds('created_at'),
    revokedAt: integer('revoked_at'),
  },
  (table) => [uniqueIndex('api_keys_by_hash').on(table.hash)],
);

/** A kept answer counts for at least this much, so that a quota of bytes bounds rows as well. */
export const LEAST_KEPT_BYTES = 1_024;

export type StoredResponse = { status: number; contentType: string; body: string };

/** Answers to POSTs that carried an `idempotency-key`, kept for a day. */
export const idempotency = sqliteTable(
  'idempotency',
  {
    tenantId: integer('tenant_id').notNull(),
    key: text('key').notNull(),
    /** Hex sha256 over method, path and body: the same key for something else is a mistake. */
    request: text('request').notNull(),
    /** Null while the first request with the key is being answered. */
    response: text('response', { mode: 'json' }).$type<StoredResponse>(),
    /** What the row counts for in its tenant's quota. */
    bytes: integer('bytes').notNull().default(LEAST_KEPT_BYTES),
    createdAt: seconds('created_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.key] }),
    index('idempotency_by_age').on(table.createdAt),
  ],
);

export const files = sqliteTable(
  'files',
  {
    id: text('id').primaryKey(),
    tenantId: integer('tenant_id').notNull(),
    filename: text('filename').notNull(),
    bytes: integer('bytes').notNull(),
    purpose: text('purpose').notNull(),
    contentType: text('content_type').notNull(),
    /** Hex sha256 of the original. */
    contentHash: text('content_hash').notNull(),
    createdAt: seconds('created_at'),
  },
  (table) => [index('files_by_tenant').on(table.tenantId, table.createdAt, table.id)],
);

/** D1 hands a BLOB back as an array of bytes. */
const bytes = customType<{ data: Uint8Array; driverData: ArrayBuffer | number[] }>({
  dataType: () => 'blob',
  toDriver: (value) => value.slice().buffer as ArrayBuffer,
  fromDriver: (stored) => new Uint8Array(stored),
});

/** Token ids as little-endian int32. */
const tokenIds = customType<{ data: Int32Array; driverData: ArrayBuffer | number[] }>({
  dataType: () => 'blob',
  toDriver: (ids) => ids.slice().buffer as ArrayBuffer,
  fromDriver: (stored) => new Int32Array(new Uint8Array(stored).buffer),
});

export type Metadata = Record<string, string>;
export type Attributes = Record<string, string | number | boolean>;

/** Stores expire after days; SQLite counts time in seconds. */
export const SECONDS_PER_DAY = 86_400;

/** Name of the store that a request searches where it names none. */
export const DEMO_STORE = 'demo';
/** Its name until all of its documents are read. */
export const DEMO_STORE_BEING_READ = `${DEMO_STORE} (being read)`;

export const stores = sqliteTable(
  'stores',
  {
    id: text('id').primaryKey(),
    tenantId: integer('tenant_id').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    metadata: text('metadata', { mode: 'json' }).$type<Metadata>(),
    createdAt: seconds('created_at'),
    lastActiveAt: seconds('last_active_at'),
    expiresAfterDays: integer('expires_after_days'),
    /** Rises when a document comes or goes: an index of the store is checked then. */
    revision: integer('revision').notNull().default(0),
  },
  (table) => [index('stores_by_tenant').on(table.tenantId, table.createdAt, table.id)],
);

export type FileStatus = 'in_progress' | 'completed' | 'failed' | 'cancelled';
export type FileErrorCode = 'server_error' | 'unsupported_file' | 'invalid_file';

export const storeFiles = sqliteTable(
  'store_files',
  {
    storeId: text('store_id').notNull(),
    fileId: text('file_id').notNull(),
    tenantId: integer('tenant_id').notNull(),
    batchId: text('batch_id'),
    status: text('status').$type<FileStatus>().notNull().default('in_progress'),
    errorCode: text('error_code').$type<FileErrorCode>(),
    errorMessage: text('error_message'),
    /** Readings that began and did not end: the process died in each, or is in one now. */
    deaths: integer('deaths').notNull().default(0),
    /** Null until its passages are there. */
    documentId: integer('document_id'),
    /** Null: the model's own passage size. */
    chunkTokens: integer('chunk_tokens'),
    overlapTokens: integer('overlap_tokens'),
    attributes: text('attributes', { mode: 'json' }).$type<Attributes>(),
    usageBytes: integer('usage_bytes').notNull().default(0),
    createdAt: seconds('created_at'),
  },
  (table) => [
    primaryKey({ columns: [table.storeId, table.fileId] }),
    index('store_files_by_file').on(table.fileId),
    index('store_files_by_document').on(table.documentId, table.storeId),
    index('store_files_by_batch').on(table.batchId),
    index('store_files_waiting').on(table.tenantId, table.status, table.createdAt),
  ],
);

export const batches = sqliteTable(
  'batches',
  {
    id: text('id').primaryKey(),
    storeId: text('store_id').notNull(),
    cancelled: integer('cancelled', { mode: 'boolean' }).notNull().default(false),
    createdAt: seconds('created_at'),
  },
  (table) => [index('batches_by_store').on(table.storeId)],
);

/**
 * A file's content, cut one way. Uploading the same bytes again, or attaching
 * them to a second store, finds this row by its key and makes no new passages.
 */
export const documents = sqliteTable(
  'documents',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    tenantId: integer('tenant_id').notNull(),
    /** Hex sha256 over content hash, name, cutting and parser version. */
    key: text('key').notNull(),
    /** False while its passages are being written: such a row is started over. */
    complete: integer('complete', { mode: 'boolean' }).notNull().default(false),
    textBytes: integer('text_bytes').notNull().default(0),
    /** What of the file was left out, and why; null: nothing. */
    notice: text('notice'),
    /** Of whose vectors every passage has one; null: nobody's. Searches by meaning look only there. */
    embedder: text('embedder'),
    /** Hex sha256 of the tokenizer.json of which every passage has token ids; null: of none. */
    tokenizer: text('tokenizer'),
    createdAt: seconds('created_at'),
  },
  (table) => [uniqueIndex('documents_by_key').on(table.tenantId, table.key)],
);

export const chunks = sqliteTable(
  'chunks',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    documentId: integer('document_id').notNull(),
    title: text('title').notNull(),
    heading: text('heading').notNull(),
    text: text('text').notNull(),
    /** Range in the document's text, in UTF-16 code units. */
    start: integer('start').notNull(),
    end: integer('end').notNull(),
    /**
     * JSON: title, heading and text as the word index has them, null where it has them as they
     * are; an empty list where that is all three. Null: taken in before there was this column.
     */
    words: text('words'),
  },
  (table) => [
    index('chunks_by_document').on(table.documentId),
    index('chunks_without_words').on(table.documentId).where(sql`words IS NULL`),
  ],
);

/** Token ids of a chunk's text, once per tokenizer. */
export const chunkTokens = sqliteTable(
  'chunk_tokens',
  {
    chunkId: integer('chunk_id').notNull(),
    /** Hex sha256 of tokenizer.json. */
    tokenizer: text('tokenizer').notNull(),
    ids: tokenIds('ids').notNull(),
  },
  (table) => [primaryKey({ columns: [table.chunkId, table.tokenizer] })],
);

/** A chunk's vector, once per embedder. */
export const chunkVectors = sqliteTable(
  'chunk_vectors',
  {
    chunkId: integer('chunk_id').notNull(),
    /** Id of the embedder: vectors of others don't compare with it. */
    embedder: text('embedder').notNull(),
    /** A float32 scale, then an int8 a dimension. */
    vector: bytes('vector').notNull(),
  },
  (table) => [primaryKey({ columns: [table.chunkId, table.embedder] })],
);

/**
 * What has been handed to Vectorize, where that is bound: written before the vectors
 * are, and deleted after them, so that none is there that no row knows.
 */
export const vectorized = sqliteTable(
  'vectorized',
  {
    storeId: text('store_id').notNull(),
    documentId: integer('document_id').notNull(),
    tenantId: integer('tenant_id').notNull(),
    embedder: text('embedder').notNull(),
    /** Of the passages, a JSON array: they outlive the passages, to be deleted by. */
    chunkIds: text('chunk_ids').notNull(),
    /** False while they are being handed over: that is done again then. */
    complete: integer('complete', { mode: 'boolean' }).notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.storeId, table.documentId] }),
    index('vectorized_by_tenant').on(table.tenantId),
  ],
);

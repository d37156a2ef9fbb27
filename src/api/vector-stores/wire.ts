/** What /v1/vector_stores answers: stores, the files in them, batches, and what a search finds. */
import * as v from 'valibot';
import type { Passage } from '../../retrieve/search.ts';
import type { BatchRecord } from '../../store/attachments.ts';
import { SECONDS_PER_DAY } from '../../store/schema.ts';
import type { FileCounts, StoreFileRecord, StoreMeasure, StoreRecord } from '../../store/stores.ts';
import { count, deletionOf, listOf, seconds } from '../wire.ts';

const fileCounts = v.pipe(
  v.object({
    in_progress: count,
    completed: count,
    failed: count,
    cancelled: count,
    total: count,
  }),
  v.title('FileCounts'),
);

const attributes = v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]));

export const vectorStore = v.pipe(
  v.object({
    id: v.string(),
    object: v.literal('vector_store'),
    created_at: seconds,
    name: v.string(),
    description: v.nullable(v.string()),
    usage_bytes: v.pipe(count, v.description('Text of its passages, in UTF-16 code units.')),
    file_counts: fileCounts,
    status: v.pipe(
      v.picklist(['expired', 'in_progress', 'completed']),
      v.description(
        '`in_progress` while a file is being read. Nothing is found in one that is `expired`.',
      ),
    ),
    expires_after: v.nullable(v.object({ anchor: v.literal('last_active_at'), days: count })),
    expires_at: v.nullable(seconds),
    last_active_at: seconds,
    metadata: v.nullable(v.record(v.string(), v.string())),
  }),
  v.title('VectorStore'),
);

export const storeList = listOf(vectorStore, 'VectorStoreList');
export const storeDeleted = deletionOf('vector_store.deleted', 'VectorStoreDeleted');

export function toVectorStore(
  store: StoreRecord,
  measure: StoreMeasure,
): v.InferOutput<typeof vectorStore> {
  const { expiresAfterDays: days } = store;
  const expiresAt = days === null ? null : store.lastActiveAt + days * SECONDS_PER_DAY;
  const expired = expiresAt !== null && expiresAt <= Date.now() / 1000;
  return {
    id: store.id,
    object: 'vector_store',
    created_at: store.createdAt,
    name: store.name,
    description: store.description,
    usage_bytes: measure.usageBytes,
    file_counts: measure.counts,
    status: expired ? 'expired' : measure.counts.in_progress > 0 ? 'in_progress' : 'completed',
    expires_after: days === null ? null : { anchor: 'last_active_at', days },
    expires_at: expiresAt,
    last_active_at: store.lastActiveAt,
    metadata: store.metadata,
  };
}

export const storeFile = v.pipe(
  v.object({
    id: v.string(),
    object: v.literal('vector_store.file'),
    created_at: seconds,
    vector_store_id: v.string(),
    status: v.picklist(['in_progress', 'completed', 'failed', 'cancelled']),
    last_error: v.pipe(
      v.nullable(
        v.object({
          code: v.picklist(['server_error', 'unsupported_file', 'invalid_file']),
          message: v.string(),
        }),
      ),
      v.description('Why it failed, or what was left out of a file that is `completed`.'),
    ),
    usage_bytes: count,
    attributes: v.nullable(attributes),
    chunking_strategy: v.variant('type', [
      v.object({ type: v.literal('other') }),
      v.object({
        type: v.literal('static'),
        static: v.object({
          max_chunk_size_tokens: count,
          chunk_overlap_tokens: v.nullable(count),
        }),
      }),
    ]),
  }),
  v.title('StoreFile'),
);

export const storeFileList = listOf(storeFile, 'StoreFileList');
export const storeFileDeleted = deletionOf('vector_store.file.deleted', 'StoreFileDeleted');

export function toStoreFile(row: StoreFileRecord): v.InferOutput<typeof storeFile> {
  const { chunkTokens: size, overlapTokens: overlap } = row;
  return {
    id: row.fileId,
    object: 'vector_store.file',
    created_at: row.createdAt,
    vector_store_id: row.storeId,
    status: row.status,
    last_error:
      row.errorCode === null ? null : { code: row.errorCode, message: row.errorMessage ?? '' },
    usage_bytes: row.usageBytes,
    attributes: row.attributes,
    chunking_strategy:
      size === null
        ? { type: 'other' }
        : {
            type: 'static',
            static: { max_chunk_size_tokens: size, chunk_overlap_tokens: overlap },
          },
  };
}

export const fileContent = v.pipe(
  v.object({
    object: v.literal('vector_store.file_content.page'),
    data: v.array(v.object({ type: v.literal('text'), text: v.string() })),
    has_more: v.literal(false),
    next_page: v.null(),
  }),
  v.title('StoreFileContent'),
);

export const fileBatch = v.pipe(
  v.object({
    id: v.string(),
    object: v.literal('vector_store.files_batch'),
    created_at: seconds,
    vector_store_id: v.string(),
    status: v.picklist(['in_progress', 'completed', 'failed', 'cancelled']),
    file_counts: fileCounts,
  }),
  v.title('FileBatch'),
);

export function toFileBatch(
  batch: BatchRecord,
  counts: FileCounts,
): v.InferOutput<typeof fileBatch> {
  const failed = counts.failed > 0 && counts.completed === 0;
  const ended = failed ? 'failed' : 'completed';
  return {
    id: batch.id,
    object: 'vector_store.files_batch',
    created_at: batch.createdAt,
    vector_store_id: batch.storeId,
    status: batch.cancelled ? 'cancelled' : counts.in_progress > 0 ? 'in_progress' : ended,
    file_counts: counts,
  };
}

export const searchResults = v.pipe(
  v.object({
    object: v.literal('vector_store.search_results.page'),
    search_query: v.array(v.string()),
    data: v.array(
      v.object({
        file_id: v.string(),
        filename: v.string(),
        score: v.pipe(
          v.number(),
          v.description(
            '[A share of the best passage’s](#what-does-a-search-score-mean), which has 1.',
          ),
        ),
        attributes,
        content: v.array(
          v.object({
            type: v.literal('text'),
            text: v.string(),
            title: v.string(),
            heading: v.string(),
            start: v.pipe(
              count,
              v.description('Where it begins in the file’s text, in UTF-16 code units.'),
            ),
            end: count,
          }),
        ),
      }),
    ),
    has_more: v.literal(false),
    next_page: v.null(),
  }),
  v.title('SearchResults'),
);

export function toSearchResults(
  queries: string[],
  passages: readonly Passage[],
): v.InferOutput<typeof searchResults> {
  return {
    object: 'vector_store.search_results.page',
    search_query: queries,
    data: passages.map(({ fileId, fileName, score, attributes, ...passage }) => ({
      file_id: fileId,
      filename: fileName,
      score,
      attributes: attributes ?? {},
      content: [
        {
          type: 'text',
          text: passage.text,
          title: passage.title,
          heading: passage.heading,
          start: passage.start,
          end: passage.end,
        },
      ],
    })),
    has_more: false,
    next_page: null,
  };
}

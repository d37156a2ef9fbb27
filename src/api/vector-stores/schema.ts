/** What /v1/vector_stores takes: stores, the files in them, and searches. */
import * as v from 'valibot';
import { pageQuery } from '../page.ts';
import { filters, finite, maxResults, rankingOptions } from './search-options.ts';

/** Files that one request may attach. */
const MAX_BATCH_FILES = 500;
const MIN_CHUNK_TOKENS = 100;
const MAX_CHUNK_TOKENS = 4096;
const CHUNK_TOKENS = `must be ${MIN_CHUNK_TOKENS} to ${MAX_CHUNK_TOKENS}`;

const fileIds = v.pipe(
  v.array(v.string()),
  v.maxLength(MAX_BATCH_FILES, `at most ${MAX_BATCH_FILES} files at a time`),
);

const attributes = v.pipe(
  v.nullable(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.maxLength(64, 'keys have at most 64 characters')),
        v.union([
          v.pipe(v.string(), v.maxLength(512, 'values have at most 512 characters')),
          finite,
          v.boolean(),
        ]),
      ),
      v.maxEntries(16, 'at most 16 entries'),
    ),
  ),
  v.title('Attributes'),
  v.description(
    'Up to 16 texts, numbers or booleans that searches [filter](#how-do-i-filter-by-attributes) by.',
  ),
);

const chunkingStrategy = v.pipe(
  v.variant('type', [
    v.strictObject({ type: v.literal('auto') }),
    v.strictObject({
      type: v.literal('static'),
      static: v.strictObject({
        max_chunk_size_tokens: v.pipe(
          v.number(),
          v.integer(),
          v.minValue(MIN_CHUNK_TOKENS, CHUNK_TOKENS),
          v.maxValue(MAX_CHUNK_TOKENS, CHUNK_TOKENS),
        ),
        chunk_overlap_tokens: v.pipe(
          v.number(),
          v.integer(),
          v.minValue(0),
          v.description('At most half of `max_chunk_size_tokens`.'),
        ),
      }),
    }),
  ]),
  v.title('ChunkingStrategy'),
);

export type ChunkingStrategy = v.InferOutput<typeof chunkingStrategy>;

const cutting = v.pipe(
  v.optional(chunkingStrategy),
  v.description(
    'How files are cut into passages: `auto`, the model’s own size (the default), or `static`.',
  ),
);

const storeFields = {
  name: v.pipe(
    v.optional(v.nullable(v.pipe(v.string(), v.maxLength(256, 'at most 256 characters')))),
    v.description('A name to find it by. Requests that name no store use the one called `demo`.'),
  ),
  description: v.pipe(
    v.optional(v.nullable(v.pipe(v.string(), v.maxLength(512, 'at most 512 characters')))),
    v.description('What is in it, for people.'),
  ),
  metadata: v.pipe(
    v.optional(
      v.nullable(
        v.pipe(
          v.record(
            v.pipe(v.string(), v.maxLength(64, 'keys have at most 64 characters')),
            v.pipe(v.string(), v.maxLength(512, 'values have at most 512 characters')),
          ),
          v.maxEntries(16, 'at most 16 entries'),
        ),
      ),
    ),
    v.description('Up to 16 labels of the caller’s own. They change nothing.'),
  ),
  expires_after: v.pipe(
    v.optional(
      v.nullable(
        v.strictObject({
          anchor: v.literal('last_active_at', 'must be "last_active_at"'),
          days: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(365, 'at most 365')),
        }),
      ),
    ),
    v.description(
      '`{"anchor": "last_active_at", "days": 1 to 365}`: after so many days without a search or a change nothing is found in it.',
    ),
  ),
};

export const storeCreation = v.pipe(
  v.strictObject({
    ...storeFields,
    file_ids: v.pipe(v.optional(fileIds, []), v.description('Files to begin with.')),
    chunking_strategy: cutting,
  }),
  v.title('VectorStoreCreation'),
);

export const storeChange = v.pipe(v.strictObject(storeFields), v.title('VectorStoreChange'));

const placed = { attributes: v.optional(attributes), chunking_strategy: cutting };

const attachmentFields = {
  file_id: v.pipe(v.string(), v.description('A file from `/v1/files`.')),
  ...placed,
};

export const attachment = v.pipe(v.strictObject(attachmentFields), v.title('Attachment'));

export const attachmentChange = v.pipe(v.strictObject({ attributes }), v.title('AttachmentChange'));

export const batchCreation = v.pipe(
  v.strictObject({
    file_ids: v.pipe(
      v.optional(fileIds),
      v.description('The files, where all get the same attributes and strategy.'),
    ),
    files: v.pipe(
      v.optional(
        v.pipe(
          v.array(v.strictObject(attachmentFields)),
          v.maxLength(MAX_BATCH_FILES, `at most ${MAX_BATCH_FILES} files at a time`),
        ),
      ),
      v.description('The files one by one, in place of `file_ids`.'),
    ),
    ...placed,
  }),
  v.title('FileBatchCreation'),
);

const STATUSES = ['in_progress', 'completed', 'failed', 'cancelled'] as const;

export const storeFilesQuery = v.object({
  ...pageQuery.entries,
  filter: v.pipe(
    v.optional(v.picklist(STATUSES, `must be one of ${STATUSES.join(', ')}`)),
    v.description('Only files with this status.'),
  ),
});

const DEFAULT_RESULTS = 10;
const MAX_QUERY = 4_096;
const MAX_QUERIES = 8;
const query = v.pipe(v.string(), v.maxLength(MAX_QUERY, `at most ${MAX_QUERY} characters`));

export const searchRequest = v.pipe(
  v.strictObject({
    query: v.pipe(
      v.union(
        [query, v.pipe(v.array(query), v.minLength(1), v.maxLength(MAX_QUERIES))],
        `must be a text or 1 to ${MAX_QUERIES} of them, of at most ${MAX_QUERY} characters`,
      ),
      v.description('A text, or several that are searched as one.'),
    ),
    max_num_results: v.pipe(
      v.optional(maxResults, DEFAULT_RESULTS),
      v.description('The most passages that are found.'),
    ),
    filters: v.pipe(
      v.nullish(filters),
      v.description(
        'What the [attributes](#how-do-i-filter-by-attributes) of a passage’s file must be.',
      ),
    ),
    ranking_options: v.pipe(
      v.optional(rankingOptions, {}),
      v.description('How passages are ranked, and which are left out.'),
    ),
    top_k: v.pipe(
      v.nullish(v.never('is not supported: send max_num_results')),
      v.description('Not supported: send `max_num_results`.'),
    ),
    rewrite_query: v.pipe(
      v.optional(v.literal(false, 'rewriting is not supported: leave it out')),
      v.description('A query is searched as it is.'),
    ),
  }),
  v.title('Search'),
);

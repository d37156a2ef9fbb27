/** What is in a store, told to those who call it. */
import * as v from 'valibot';
import { attachmentChange, attributes, chunkingStrategy } from '../vector-stores/attachment.ts';
import { batchBody } from '../vector-stores/file-batches.ts';
import { attachBody, listQuery } from '../vector-stores/files.ts';
import { json, type Resource } from './operation.ts';
import { count, deleted, page, seconds } from './shared.ts';
import { fileCounts } from './vector-stores.ts';

const storeFile = v.object({
  id: v.string(),
  object: v.literal('vector_store.file'),
  created_at: seconds,
  vector_store_id: v.string(),
  status: v.picklist(['in_progress', 'completed', 'failed', 'cancelled']),
  last_error: v.nullable(
    v.object({
      code: v.picklist(['server_error', 'unsupported_file', 'invalid_file']),
      message: v.string(),
    }),
  ),
  usage_bytes: count,
  attributes: v.nullable(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
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
});
export type StoreFileObject = v.InferOutput<typeof storeFile>;

const batch = v.object({
  id: v.string(),
  object: v.literal('vector_store.files_batch'),
  created_at: seconds,
  vector_store_id: v.string(),
  status: v.picklist(['in_progress', 'completed', 'failed', 'cancelled']),
  file_counts: fileCounts,
});
export type BatchObject = v.InferOutput<typeof batch>;

const parsed = v.object({
  object: v.literal('vector_store.file_content.page'),
  data: v.array(v.object({ type: v.literal('text'), text: v.string() })),
  has_more: v.literal(false),
  next_page: v.null(),
});

const storeFileList = page(storeFile);
const storeFileDeleted = deleted('vector_store.file.deleted');
const files = 'Files of a store';
const batches = 'File batches';
const scopes = ['ingest'] as const;

export const storeFilesResource: Resource = {
  components: {
    Attachment: {
      schema: attachBody,
      notes: { chunking_strategy: 'The model’s own size of passages if left out.' },
    },
    AttachmentChange: { schema: attachmentChange },
    Attributes: { schema: attributes },
    ChunkingStrategy: { schema: chunkingStrategy },
    StoreFile: { schema: storeFile },
    StoreFileList: { schema: storeFileList },
    StoreFileDeleted: { schema: storeFileDeleted },
    StoreFileContent: { schema: parsed },
    FileBatchCreation: {
      schema: batchBody,
      notes: {
        file_ids: 'The files, where all get the same attributes and strategy.',
        files: 'The files one by one; instead of `file_ids`.',
      },
    },
    FileBatch: { schema: batch },
  },
  operations: [
    {
      method: 'post',
      path: '/v1/vector_stores/{store}/files',
      id: 'attachFile',
      tag: files,
      summary: 'Attaches a file, which is then read',
      scopes,
      body: attachBody,
      answers: json(storeFile),
    },
    {
      method: 'get',
      path: '/v1/vector_stores/{store}/files',
      id: 'listStoreFiles',
      tag: files,
      summary: 'Lists a store’s files',
      scopes,
      query: listQuery,
      answers: json(storeFileList),
    },
    {
      method: 'get',
      path: '/v1/vector_stores/{store}/files/{file}',
      id: 'getStoreFile',
      tag: files,
      summary: 'Gets how far a file has come, or why it failed',
      scopes,
      answers: json(storeFile),
    },
    {
      method: 'post',
      path: '/v1/vector_stores/{store}/files/{file}',
      id: 'modifyStoreFile',
      tag: files,
      summary: 'Changes a file’s attributes',
      scopes,
      body: attachmentChange,
      answers: json(storeFile),
    },
    {
      method: 'get',
      path: '/v1/vector_stores/{store}/files/{file}/content',
      id: 'getStoreFileContent',
      tag: files,
      summary: 'Gets the text that was read from a file',
      scopes,
      answers: json(parsed),
    },
    {
      method: 'delete',
      path: '/v1/vector_stores/{store}/files/{file}',
      id: 'detachFile',
      tag: files,
      summary: 'Takes a file out of a store; the file stays',
      scopes,
      answers: json(storeFileDeleted),
    },
    {
      method: 'post',
      path: '/v1/vector_stores/{store}/file_batches',
      id: 'createFileBatch',
      tag: batches,
      summary: 'Attaches many files at once',
      scopes,
      body: batchBody,
      answers: json(batch),
    },
    {
      method: 'get',
      path: '/v1/vector_stores/{store}/file_batches/{batch}',
      id: 'getFileBatch',
      tag: batches,
      summary: 'Gets how far a batch has come',
      scopes,
      answers: json(batch),
    },
    {
      method: 'post',
      path: '/v1/vector_stores/{store}/file_batches/{batch}/cancel',
      id: 'cancelFileBatch',
      tag: batches,
      summary: 'Cancels what of a batch has not begun',
      scopes,
      answers: json(batch),
    },
    {
      method: 'get',
      path: '/v1/vector_stores/{store}/file_batches/{batch}/files',
      id: 'listFileBatch',
      tag: batches,
      summary: 'Lists a batch’s files',
      scopes,
      query: listQuery,
      answers: json(storeFileList),
    },
  ],
};

/** /v1/vector_stores/{id}/file_batches: many files attached at once. */
import { type Context, Hono } from 'hono';
import * as v from 'valibot';
import { startIngestion } from '../../retrieve/ingestor.ts';
import {
  type BatchRecord,
  cancelBatch,
  countBatch,
  createBatch,
  findBatch,
} from '../../store/attachments.ts';
import { readBody, readQuery } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound } from '../errors.ts';
import type { BatchObject } from '../openapi/store-files.ts';
import {
  attributes,
  chunkingStrategy,
  fileIds,
  MAX_BATCH_FILES,
  pollSoon,
  requireOwnFiles,
  toCutting,
} from './attachment.ts';
import { listAttachments, listQuery } from './files.ts';
import { requireStore } from './route.ts';

const listedFile = v.strictObject({
  file_id: v.string(),
  attributes: v.optional(attributes),
  chunking_strategy: v.optional(chunkingStrategy),
});

type ListedFile = v.InferOutput<typeof listedFile>;

export const batchBody = v.strictObject({
  file_ids: v.optional(fileIds),
  files: v.optional(
    v.pipe(
      v.array(listedFile),
      v.maxLength(MAX_BATCH_FILES, `at most ${MAX_BATCH_FILES} files at a time`),
    ),
  ),
  attributes: v.optional(attributes),
  chunking_strategy: v.optional(chunkingStrategy),
});

export const fileBatches = new Hono<AppEnv>();

fileBatches.post('/:store/file_batches', async function createFileBatch(c) {
  const store = await requireStore(c, c.req.param('store'));
  const body = await readBody(c, batchBody);
  const listed = body.files ?? (body.file_ids ?? []).map((id): ListedFile => ({ file_id: id }));
  if (listed.length === 0) throw invalid('file_ids', 'file_ids: must name a file');
  if (body.files && body.file_ids) {
    throw invalid('file_ids', 'file_ids: give either file_ids or files, not both');
  }
  const attachments = listed.map((file) => ({
    fileId: file.file_id,
    attributes: file.attributes ?? body.attributes ?? null,
    ...toCutting(file.chunking_strategy ?? body.chunking_strategy),
  }));
  await requireOwnFiles(
    c,
    attachments.map((attachment) => attachment.fileId),
  );
  const batch = await createBatch(c.env, store, attachments);
  await startIngestion(c.env, store.tenantId);
  return c.json(await describe(c, batch));
});

fileBatches.get('/:store/file_batches/:batch', async function getFileBatch(c) {
  return c.json(await describe(c, await requireBatch(c)));
});

fileBatches.post('/:store/file_batches/:batch/cancel', async function cancelFileBatch(c) {
  const batch = await requireBatch(c);
  await cancelBatch(c.env, batch);
  return c.json(await describe(c, { ...batch, cancelled: true }));
});

fileBatches.get('/:store/file_batches/:batch/files', async function listFileBatch(c) {
  const batch = await requireBatch(c);
  const query = readQuery(c, listQuery);
  return c.json(await listAttachments(c, batch.storeId, query, query.filter, batch.id));
});

async function requireBatch(c: Context<AppEnv, '/:store/file_batches/:batch'>) {
  const store = await requireStore(c, c.req.param('store'));
  const id = c.req.param('batch');
  const batch = await findBatch(c.env, store, id);
  if (!batch) throw notFound(`no file batch "${id}" in vector store "${store.id}"`);
  return batch;
}

async function describe(c: Context<AppEnv>, batch: BatchRecord): Promise<BatchObject> {
  const counts = await countBatch(c.env, batch);
  const status = batch.cancelled
    ? 'cancelled'
    : counts.in_progress > 0
      ? 'in_progress'
      : counts.failed > 0 && counts.completed === 0
        ? 'failed'
        : 'completed';
  pollSoon(c, status);
  return {
    id: batch.id,
    object: 'vector_store.files_batch',
    created_at: batch.createdAt,
    vector_store_id: batch.storeId,
    status,
    file_counts: counts,
  };
}

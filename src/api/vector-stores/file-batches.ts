/** /v1/vector_stores/{id}/file_batches: many files attached at once. */
import { type Context, Hono } from 'hono';
import { startIngestion } from '../../retrieve/wake.ts';
import {
  type BatchRecord,
  cancelBatch,
  countBatch,
  createBatch,
  findBatch,
  listAttachments,
} from '../../store/attachments.ts';
import { readBody, readQuery } from '../body/read.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound } from '../errors.ts';
import { listPage } from '../page.ts';
import { pollSoon, requireOwnFiles, toCutting } from './attachment.ts';
import { requireStore } from './route.ts';
import { batchCreation, storeFilesQuery } from './schema.ts';
import { toFileBatch, toStoreFile } from './wire.ts';

export const fileBatches = new Hono<AppEnv>();

fileBatches.post('/:store/file_batches', async function createFileBatch(c) {
  const store = await requireStore(c, c.req.param('store'));
  const body = await readBody(c, batchCreation);
  const named: NonNullable<typeof body.files> = (body.file_ids ?? []).map((id) => ({
    file_id: id,
  }));
  const listed = body.files ?? named;
  if (listed.length === 0) throw invalid(['file_ids'], 'must name a file');
  if (body.files && body.file_ids) {
    throw invalid(['file_ids'], 'give either file_ids or files, not both');
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
  const { filter, ...query } = readQuery(c, storeFilesQuery);
  const listed = listAttachments(
    c.env,
    batch.storeId,
    { status: filter, batchId: batch.id },
    query,
  );
  return c.json(await listPage(listed, toStoreFile));
});

async function requireBatch(c: Context<AppEnv, '/:store/file_batches/:batch'>) {
  const store = await requireStore(c, c.req.param('store'));
  const id = c.req.param('batch');
  const batch = await findBatch(c.env, store, id);
  if (!batch) throw notFound([], `no file batch "${id}" in vector store "${store.id}"`);
  return batch;
}

async function describe(c: Context<AppEnv>, batch: BatchRecord) {
  const described = toFileBatch(batch, await countBatch(c.env, batch));
  pollSoon(c, described.status);
  return described;
}

/** /v1/vector_stores/{id}/files: what is in a store. */
import { and, eq } from 'drizzle-orm';
import { type Context, Hono } from 'hono';
import { startIngestion } from '../../retrieve/ingestor.ts';
import { attachFiles, detach, findAttachment, setAttributes } from '../../store/attachments.ts';
import { database } from '../../store/database.ts';
import { readText } from '../../store/files.ts';
import { type FileStatus, storeFiles } from '../../store/schema.ts';
import { readBody, readQuery } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { notFound } from '../errors.ts';
import { requireFile } from '../files/route.ts';
import { beyond, ordering, type PageQuery, toPage } from '../page.ts';
import { pollSoon, requireOwnFiles, toCutting } from './attachment.ts';
import { requireStore } from './route.ts';
import { attachment as attachmentBody, attachmentChange, storeFilesQuery } from './schema.ts';
import { toStoreFile } from './wire.ts';

export const vectorStoreFiles = new Hono<AppEnv>();

vectorStoreFiles.post('/:store/files', async function attachFile(c) {
  const store = await requireStore(c, c.req.param('store'));
  const body = await readBody(c, attachmentBody);
  await requireOwnFiles(c, [body.file_id]);
  const cutting = toCutting(body.chunking_strategy);
  const attachment = { fileId: body.file_id, attributes: body.attributes ?? null, ...cutting };
  await attachFiles(c.env, store, [attachment], null);
  await startIngestion(c.env, store.tenantId);
  return c.json(toStoreFile(await requireAttachment(c, store.id, body.file_id)));
});

vectorStoreFiles.get('/:store/files', async function listAttached(c) {
  const store = await requireStore(c, c.req.param('store'));
  const query = readQuery(c, storeFilesQuery);
  return c.json(await listAttachments(c, store.id, query, query.filter, undefined));
});

vectorStoreFiles.get('/:store/files/:file', async function getAttached(c) {
  const { store, file } = c.req.param();
  const attachment = await requireAttachment(c, store, file);
  pollSoon(c, attachment.status);
  return c.json(toStoreFile(attachment));
});

vectorStoreFiles.post('/:store/files/:file', async function modifyAttached(c) {
  const { store, file } = c.req.param();
  const attachment = await requireAttachment(c, store, file);
  const body = await readBody(c, attachmentChange);
  await setAttributes(c.env, attachment, body.attributes ?? {});
  return c.json(toStoreFile(await requireAttachment(c, store, file)));
});

vectorStoreFiles.get('/:store/files/:file/content', async function getParsed(c) {
  const { store, file } = c.req.param();
  await requireAttachment(c, store, file);
  const text = await readText(c.env, await requireFile(c, file));
  if (!text)
    throw notFound([], `file "${file}" has no text yet: wait until its status is completed`);
  return c.json({
    object: 'vector_store.file_content.page',
    data: [{ type: 'text', text: await text.text() }],
    has_more: false,
    next_page: null,
  });
});

vectorStoreFiles.delete('/:store/files/:file', async function removeAttached(c) {
  const { store, file } = c.req.param();
  const attachment = await requireAttachment(c, store, file);
  await detach(c.env, attachment);
  return c.json({ id: attachment.fileId, object: 'vector_store.file.deleted', deleted: true });
});

async function requireAttachment(c: Context<AppEnv>, storeId: string, fileId: string) {
  const store = await requireStore(c, storeId);
  const attachment = await findAttachment(c.env, store, fileId);
  if (!attachment) throw notFound([], `no file "${fileId}" in vector store "${storeId}"`);
  return attachment;
}

/** A page of a store's files, or of those that came in one batch. */
export async function listAttachments(
  c: Context<AppEnv>,
  storeId: string,
  query: PageQuery,
  status: FileStatus | undefined,
  batchId: string | undefined,
) {
  const cursor = async (fileId: string | undefined) => {
    if (fileId === undefined) return undefined;
    return { ...(await requireAttachment(c, storeId, fileId)), id: fileId };
  };
  const [after, before] = await Promise.all([cursor(query.after), cursor(query.before)]);
  const rows = await database(c.env)
    .select()
    .from(storeFiles)
    .where(
      and(
        eq(storeFiles.storeId, storeId),
        batchId === undefined ? undefined : eq(storeFiles.batchId, batchId),
        status === undefined ? undefined : eq(storeFiles.status, status),
        beyond(storeFiles.createdAt, storeFiles.fileId, after, 'after', query.order),
        beyond(storeFiles.createdAt, storeFiles.fileId, before, 'before', query.order),
      ),
    )
    .orderBy(...ordering(storeFiles.createdAt, storeFiles.fileId, query.order))
    .limit(query.limit + 1);
  return toPage(rows.map(toStoreFile), query.limit);
}

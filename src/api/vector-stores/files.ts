/** /v1/vector_stores/{id}/files: what is in a store. */
import { type Context, Hono } from 'hono';
import { startIngestion } from '../../retrieve/wake.ts';
import {
  attachFiles,
  detach,
  findAttachment,
  listAttachments,
  setAttributes,
} from '../../store/attachments.ts';
import { readText } from '../../store/files.ts';
import { readBody, readQuery } from '../body/read.ts';
import type { AppEnv } from '../context.ts';
import { notFound } from '../errors.ts';
import { requireFile } from '../files/route.ts';
import { listPage } from '../page.ts';
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
  const { filter, ...query } = readQuery(c, storeFilesQuery);
  return c.json(
    await listPage(listAttachments(c.env, store.id, { status: filter }, query), toStoreFile),
  );
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

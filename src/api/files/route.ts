/** /v1/files: what a tenant has uploaded. */
import { type Context, Hono } from 'hono';
import {
  createFile,
  deleteFile,
  type FileRecord,
  findFile,
  listFiles,
  readOriginal,
} from '../../store/files.ts';
import { check, MAX_FILE_BYTES, readForm, readQuery } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { notFound, type Path, tooLarge } from '../errors.ts';
import { listPage } from '../page.ts';
import { filesQuery, uploadForm } from './schema.ts';
import { toFile } from './wire.ts';

export const files = new Hono<AppEnv>();

files.post('/', async function uploadFile(c) {
  const { file, purpose } = check(uploadForm, Object.fromEntries(await readForm(c)));
  if (file.size > MAX_FILE_BYTES) {
    throw tooLarge(['file'], `${file.size} bytes are more than ${MAX_FILE_BYTES}; split it`);
  }
  const record = await createFile(c.env, c.var.tenant, {
    filename: file.name,
    purpose,
    contentType: file.type,
    bytes: await file.arrayBuffer(),
  });
  return c.json(toFile(record));
});

files.get('/', async function getFiles(c) {
  const { purpose, ...query } = readQuery(c, filesQuery);
  return c.json(await listPage(listFiles(c.env, c.var.tenant, purpose, query), toFile));
});

files.get('/:id', async function getFile(c) {
  return c.json(toFile(await requireFile(c, c.req.param('id'))));
});

files.get('/:id/content', async function getContent(c) {
  const file = await requireFile(c, c.req.param('id'));
  const original = await readOriginal(c.env, file);
  if (!original) throw notFound([], `the original of ${file.id} is gone: upload it again`);
  return new Response(original.body, {
    headers: {
      // An upload is data, whatever it claims to be: no browser may run it.
      'content-type': 'application/octet-stream',
      'content-length': String(original.size),
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`,
      'x-content-type-options': 'nosniff',
    },
  });
});

files.delete('/:id', async function removeFile(c) {
  const file = await requireFile(c, c.req.param('id'));
  await deleteFile(c.env, file);
  return c.json({ id: file.id, object: 'file', deleted: true });
});

/** The tenant's file. One of another tenant does not exist. */
export async function requireFile(
  c: Context<AppEnv>,
  id: string,
  path: Path = [],
): Promise<FileRecord> {
  const file = await findFile(c.env, c.var.tenant.id, id);
  if (!file) throw notFound(path, `no file "${id}"`);
  return file;
}

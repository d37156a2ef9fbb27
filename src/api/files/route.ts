/** /v1/files: what a tenant has uploaded. */
import { and, eq } from 'drizzle-orm';
import { type Context, Hono } from 'hono';
import * as v from 'valibot';
import { database } from '../../store/database.ts';
import {
  createFile,
  deleteFile,
  type FileRecord,
  findFile,
  readOriginal,
} from '../../store/files.ts';
import { files as table } from '../../store/schema.ts';
import { check, MAX_FILE_BYTES, readForm, readQuery } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { notFound, tooLarge } from '../errors.ts';
import type { FileObject } from '../openapi/files.ts';
import { beyond, ordering, pageQuery, toPage } from '../page.ts';

const PURPOSES = ['assistants', 'user_data'] as const;
const MAX_FILENAME = 255;
const NAME = `its name must have 1 to ${MAX_FILENAME} characters`;

export const uploadForm = v.strictObject({
  file: v.pipe(
    v.file('must be a file in a multipart form'),
    v.check(({ name }) => name !== '' && name.length <= MAX_FILENAME, NAME),
  ),
  purpose: v.picklist(PURPOSES, `must be one of ${PURPOSES.join(', ')}`),
});

export const files = new Hono<AppEnv>();

files.post('/', async function uploadFile(c) {
  const { file, purpose } = check(uploadForm, Object.fromEntries(await readForm(c)));
  if (file.size > MAX_FILE_BYTES) {
    throw tooLarge(`file: ${file.size} bytes are more than ${MAX_FILE_BYTES}; split it`, 'file');
  }
  const record = await createFile(c.env, c.var.tenant, {
    filename: file.name,
    purpose,
    contentType: file.type,
    bytes: await file.arrayBuffer(),
  });
  return c.json(toFile(record));
});

export const listQuery = v.object({ ...pageQuery.entries, purpose: v.optional(v.string()) });

files.get('/', async function listFiles(c) {
  const query = readQuery(c, listQuery);
  const tenantId = c.var.tenant.id;
  const [after, before] = await Promise.all([
    query.after === undefined ? undefined : requireFile(c, query.after, 'after'),
    query.before === undefined ? undefined : requireFile(c, query.before, 'before'),
  ]);
  const rows = await database(c.env)
    .select()
    .from(table)
    .where(
      and(
        eq(table.tenantId, tenantId),
        query.purpose === undefined ? undefined : eq(table.purpose, query.purpose),
        beyond(table.createdAt, table.id, after, 'after', query.order),
        beyond(table.createdAt, table.id, before, 'before', query.order),
      ),
    )
    .orderBy(...ordering(table.createdAt, table.id, query.order))
    .limit(query.limit + 1);
  return c.json(toPage(rows.map(toFile), query.limit));
});

files.get('/:id', async function getFile(c) {
  return c.json(toFile(await requireFile(c, c.req.param('id'))));
});

files.get('/:id/content', async function getContent(c) {
  const file = await requireFile(c, c.req.param('id'));
  const original = await readOriginal(c.env, file);
  if (!original) throw notFound(`the original of ${file.id} is gone: upload it again`);
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
  param: string | null = null,
): Promise<FileRecord> {
  const file = await findFile(c.env, c.var.tenant.id, id);
  if (!file) throw notFound(`no file "${id}"`, param);
  return file;
}

function toFile(file: FileRecord): FileObject {
  return {
    id: file.id,
    object: 'file',
    bytes: file.bytes,
    created_at: file.createdAt,
    filename: file.filename,
    purpose: file.purpose,
    status: 'processed',
    status_details: null,
    expires_at: null,
  };
}

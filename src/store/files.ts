/** Uploaded files: a record in D1, the original in R2, what was extracted from it beside it. */
import { and, eq } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database } from './database.ts';
import { newId, sha256 } from './ids.ts';
import { type Page, type PageQuery, page } from './page.ts';
import { putInSlices } from './put-in-slices.ts';
import { files, storeFiles } from './schema.ts';
import { detachEverywhere } from './stores.ts';
import type { Tenant } from './tenants.ts';

export type FileRecord = typeof files.$inferSelect;

export interface Upload {
  filename: string;
  purpose: string;
  contentType: string;
  bytes: ArrayBuffer;
}

const originalKey = (tenantId: number, fileId: string) => `tenants/${tenantId}/files/${fileId}`;
const textKey = (tenantId: number, fileId: string) => `tenants/${tenantId}/text/${fileId}`;
const partsKey = (tenantId: number, fileId: string) => `tenants/${tenantId}/parts/${fileId}`;

export async function createFile(env: Bindings, tenant: Tenant, upload: Upload) {
  const id = newId('file-');
  const contentHash = await sha256(upload.bytes);
  // The object first: a record never points at bytes that are not there.
  await putInSlices(env.FILES, originalKey(tenant.id, id), new Uint8Array(upload.bytes));
  const [record] = await database(env)
    .insert(files)
    .values({
      id,
      tenantId: tenant.id,
      filename: upload.filename,
      bytes: upload.bytes.byteLength,
      purpose: upload.purpose,
      contentType: upload.contentType,
      contentHash,
    })
    .returning();
  return record!;
}

export function findFile(env: Bindings, tenantId: number, id: string) {
  return database(env).query.files.findFirst({
    where: and(eq(files.tenantId, tenantId), eq(files.id, id)),
  });
}

/** @param purpose only files with it */
export function listFiles(
  env: Bindings,
  tenant: Tenant,
  purpose: string | undefined,
  query: PageQuery,
): Promise<Page<FileRecord>> {
  const { id, createdAt } = files;
  const owned = eq(files.tenantId, tenant.id);
  const wanted = purpose === undefined ? undefined : eq(files.purpose, purpose);
  return page(env, { table: files, id, createdAt, owned, wanted }, query);
}

export function readOriginal(env: Bindings, file: FileRecord) {
  return env.FILES.get(originalKey(file.tenantId, file.id));
}

/** The text that passages of this file have offsets into. */
export function readText(env: Bindings, file: FileRecord) {
  return env.FILES.get(textKey(file.tenantId, file.id));
}

/** Whether its text has been extracted. */
export async function hasText(env: Bindings, file: FileRecord): Promise<boolean> {
  return (await env.FILES.head(textKey(file.tenantId, file.id))) !== null;
}

export async function writeText(env: Bindings, file: FileRecord, text: string): Promise<void> {
  await putInSlices(env.FILES, textKey(file.tenantId, file.id), new TextEncoder().encode(text));
}

/** What is known of kept parts before they are read: how they were made, and their size. */
export interface KeptLabel {
  made: string;
  tokens: number;
}

/** Parts that were kept of the file, unread: a caller may find them too long by their label. */
export async function findKeptParts(
  env: Bindings,
  file: FileRecord,
): Promise<{ label: KeptLabel; read: () => Promise<unknown>; leave: () => Promise<void> } | null> {
  const kept = await env.FILES.get(partsKey(file.tenantId, file.id));
  if (!kept) return null;
  const { made = '', tokens } = kept.customMetadata ?? {};
  return {
    label: { made, tokens: Number(tokens) },
    read: () => kept.json(),
    leave: () => kept.body.cancel(),
  };
}

/** A file that was deleted meanwhile leaves nothing. */
export async function keepParts(
  env: Bindings,
  file: FileRecord,
  label: KeptLabel,
  parts: unknown,
): Promise<void> {
  const key = partsKey(file.tenantId, file.id);
  const customMetadata = { made: label.made, tokens: String(label.tokens) };
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  await putInSlices(env.FILES, key, bytes, { customMetadata });
  if (!(await findFile(env, file.tenantId, file.id))) await env.FILES.delete(key);
}

/** Removes the file, what every store made of it, and its objects. */
export async function deleteFile(env: Bindings, file: FileRecord): Promise<void> {
  const db = database(env);
  await db.delete(files).where(and(eq(files.tenantId, file.tenantId), eq(files.id, file.id)));
  await detachEverywhere(env, file.tenantId, eq(storeFiles.fileId, file.id));
  const keys = [originalKey, textKey, partsKey].map((key) => key(file.tenantId, file.id));
  await env.FILES.delete(keys);
}

/**
 * The Durable Object that works a tenant's waiting files off, one after the
 * other. The queue is `store_files` in D1 and the clock is the object's alarm,
 * which survives eviction and restarts: ingestion goes on where it stood.
 */
import { DurableObject } from 'cloudflare:workers';
import { and, asc, eq } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { database } from '../store/database.ts';
import { purgeOrphans } from '../store/documents.ts';
import { ModelUnavailable } from '../store/model.ts';
import { type FileErrorCode, storeFiles } from '../store/schema.ts';
import type { StoreFileRecord } from '../store/stores.ts';
import { ingest } from './ingest.ts';
import { UnreadableFile } from './parse/document.ts';

/** Work per alarm; then the alarm is set anew, so that no event grows without bound. */
const SLICE_MS = 10_000;
/**
 * Between files. In `wrangler dev`, where D1 shares the worker's thread, answers to
 * other requests are left unsent for half a minute while the loop never idles.
 */
const PAUSE_MS = 1;
/** A file that took the process down this often is the cause. */
const MAX_ATTEMPTS = 3;
/** Pause while the verifier, whose tokenizer is needed, is away. */
const RETRY_MS = 2_000;

/** Wakes the tenant's ingestor. */
export async function startIngestion(env: Bindings, tenantId: number): Promise<void> {
  await env.INGESTOR.get(env.INGESTOR.idFromName(String(tenantId))).wake(tenantId);
}

export class Ingestor extends DurableObject<Bindings> {
  async wake(tenantId: number): Promise<void> {
    await this.ctx.storage.put('tenant', tenantId);
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now());
  }

  override async alarm(): Promise<void> {
    const tenantId = await this.ctx.storage.get<number>('tenant');
    if (tenantId === undefined) return;
    const end = Date.now() + SLICE_MS;
    while (Date.now() < end) {
      const attachment = await next(this.env, tenantId);
      if (!attachment) {
        await purgeOrphans(this.env, tenantId, 'all');
        // Something may have come in since: `wake` saw no alarm to set only if one was running.
        if (await next(this.env, tenantId)) continue;
        return;
      }
      if ((await work(this.env, attachment)) === 'later') {
        await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
        return;
      }
      await scheduler.wait(PAUSE_MS);
    }
    await this.ctx.storage.setAlarm(Date.now());
  }
}

function next(env: Bindings, tenantId: number): Promise<StoreFileRecord | undefined> {
  return database(env).query.storeFiles.findFirst({
    where: and(eq(storeFiles.tenantId, tenantId), eq(storeFiles.status, 'in_progress')),
    orderBy: [asc(storeFiles.createdAt), asc(storeFiles.fileId)],
  });
}

async function work(env: Bindings, attachment: StoreFileRecord): Promise<'done' | 'later'> {
  if (attachment.attempts >= MAX_ATTEMPTS) {
    const message = `the file could not be ingested in ${MAX_ATTEMPTS} attempts: is it very large?`;
    await fail(env, attachment, 'server_error', message);
    return 'done';
  }
  const before = attachment.attempts;
  await setAttempts(env, attachment, before + 1);
  try {
    await ingest(env, attachment);
    return 'done';
  } catch (error) {
    if (error instanceof ModelUnavailable) {
      // Not the file's fault: it does not count.
      await setAttempts(env, attachment, before);
      return 'later';
    }
    if (error instanceof UnreadableFile) {
      await fail(env, attachment, error.code, error.message);
    } else {
      console.error(
        JSON.stringify({ event: 'ingest_failed', file: attachment.fileId, error: String(error) }),
      );
      await fail(env, attachment, 'server_error', 'ingestion failed: attach the file again');
    }
    return 'done';
  }
}

const thisOne = (attachment: StoreFileRecord) =>
  and(
    eq(storeFiles.storeId, attachment.storeId),
    eq(storeFiles.fileId, attachment.fileId),
    eq(storeFiles.status, 'in_progress'),
  );

async function setAttempts(env: Bindings, attachment: StoreFileRecord, attempts: number) {
  await database(env).update(storeFiles).set({ attempts }).where(thisOne(attachment));
}

async function fail(
  env: Bindings,
  attachment: StoreFileRecord,
  errorCode: FileErrorCode,
  errorMessage: string,
): Promise<void> {
  await database(env)
    .update(storeFiles)
    .set({ status: 'failed', errorCode, errorMessage, documentId: null })
    .where(thisOne(attachment));
}

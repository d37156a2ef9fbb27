/**
 * The Durable Object that works a tenant's waiting files off, a few at a time. The queue is `store_files` in D1 and the clock is the object's alarm,
 * which survives eviction and restarts: ingestion goes on where it stood.
 */
import { DurableObject } from 'cloudflare:workers';
import { and, asc, eq } from 'drizzle-orm';
import type { Bindings } from '../bindings.ts';
import { corpusAt } from '../store/corpora.ts';
import { database } from '../store/database.ts';
import { purgeOrphans } from '../store/documents.ts';
import { loadModel, ModelUnavailable } from '../store/model.ts';
import { type FileErrorCode, files, storeFiles } from '../store/schema.ts';
import type { StoreFileRecord } from '../store/stores.ts';
import { ingest, type Turns } from './ingest.ts';
import { UnreadableFile } from './parse/document.ts';

/** Work per alarm; then the alarm is set anew, so that no event grows without bound. */
const SLICE_MS = 10_000;
/**
 * Between files. In `wrangler dev`, where D1 shares the worker's thread, answers to
 * other requests are left unsent for half a minute while the loop never idles.
 */
const PAUSE_MS = 1;
/** Files worked on at a time: most of a small one's time is waiting for D1 and R2. */
const MAX_TOGETHER = 8;
/** Of their originals: a large file is worked on alone. */
const MAX_BYTES_TOGETHER = 4_000_000;
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
    const touched = new Set<string>();
    while (Date.now() < end) {
      const attachments = await next(this.env, tenantId);
      if (attachments.length === 0) {
        await purgeOrphans(this.env, tenantId, 'all');
        // Something may have come in since: `wake` saw no alarm to set only if one was running.
        if ((await next(this.env, tenantId)).length > 0) continue;
        await wakeCorpora(this.env, tenantId, touched);
        return;
      }
      await begin(this.env, attachments);
      const turns: Turns = new Map();
      for (const { storeId } of attachments) touched.add(storeId);
      const outcomes = await Promise.all(attachments.map((a) => work(this.env, a, turns)));
      if (outcomes.includes('later')) {
        await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
        await wakeCorpora(this.env, tenantId, touched);
        return;
      }
      await scheduler.wait(PAUSE_MS);
    }
    await this.ctx.storage.setAlarm(Date.now());
    await wakeCorpora(this.env, tenantId, touched);
  }
}

/** The stores' text is indexed for drafting next. Who is not reached now finds out when it is asked. */
async function wakeCorpora(env: Bindings, tenantId: number, storeIds: ReadonlySet<string>) {
  try {
    const { tokenizer } = (await loadModel(env)).fingerprint;
    for (const storeId of storeIds) {
      const place = { tenantId, storeId, tokenizer, shard: 0 };
      await corpusAt(env, place).wake(place);
    }
  } catch (error) {
    console.error(JSON.stringify({ event: 'corpus_not_woken', error: String(error) }));
  }
}

/**
 * The files to work on together, the oldest first. One that was begun before may
 * be what took the process down: it is tried alone, so that it fails alone.
 */
async function next(env: Bindings, tenantId: number): Promise<StoreFileRecord[]> {
  const rows = await database(env)
    .select({ attachment: storeFiles, bytes: files.bytes })
    .from(storeFiles)
    .leftJoin(files, eq(files.id, storeFiles.fileId))
    .where(and(eq(storeFiles.tenantId, tenantId), eq(storeFiles.status, 'in_progress')))
    .orderBy(asc(storeFiles.createdAt), asc(storeFiles.fileId))
    .limit(MAX_TOGETHER);
  let bytes = 0;
  const few = rows.findIndex(({ attachment, bytes: size }) => {
    bytes += size ?? 0;
    return attachment.attempts > 0 || bytes > MAX_BYTES_TOGETHER;
  });
  const end = few < 0 ? rows.length : Math.max(1, few);
  return rows.slice(0, end).map(({ attachment }) => attachment);
}

/** Counts an attempt for each, in one statement, before any is made. */
async function begin(env: Bindings, attachments: readonly StoreFileRecord[]): Promise<void> {
  const ids = JSON.stringify(attachments.map(({ storeId, fileId }) => [storeId, fileId]));
  await env.DB.prepare(
    `UPDATE store_files SET attempts = attempts + 1
     WHERE status = 'in_progress' AND (store_id, file_id) IN
       (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
  )
    .bind(ids)
    .run();
}

async function work(
  env: Bindings,
  attachment: StoreFileRecord,
  turns: Turns,
): Promise<'done' | 'later'> {
  const before = attachment.attempts;
  if (before >= MAX_ATTEMPTS) {
    const message = `the file could not be ingested in ${MAX_ATTEMPTS} attempts: is it very large?`;
    await fail(env, attachment, 'server_error', message);
    return 'done';
  }
  try {
    await ingest(env, attachment, turns);
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

/**
 * The Durable Object that works a tenant's waiting files off, a few at a time. The
 * queue is `store_files` in D1 and the clock is the object's alarm, which survives
 * eviction and restarts: ingestion continues where it was.
 */

import { DurableObject } from 'cloudflare:workers';
import type { Bindings } from '../bindings.ts';
import { loadModel, ModelUnavailable } from '../model/record.ts';
import { corpusAt } from '../store/corpora.ts';
import { eraseTenant, isTenantGone } from '../store/delete-tenant.ts';
import {
  beginReading,
  endReading,
  type Failure,
  failAttachments,
  type Waiting,
  waitingFiles,
} from '../store/ingestion-queue.ts';
import { loggable } from '../store/loggable.ts';
import type { IngestorObject } from '../store/objects/ingestor.ts';
import { purgeOrphans } from '../store/purge.ts';
import { ingest, type Refused } from './ingest.ts';
import { retokenize } from './retokenize.ts';
import { revector } from './revector.ts';
import { reindex } from './word-index.ts';

/** Work per alarm; then the alarm is set anew, so that no event grows without bound. */
const SLICE_MS = 10_000;
/**
 * Between files. In `wrangler dev`, where D1 shares the worker's thread, answers to
 * other requests are left unsent for half a minute while the loop never idles.
 */
const PAUSE_MS = 1;
/** Files worked on at a time and written in one transaction, beside which others' requests wait. */
const MAX_TOGETHER = 16;
/** Of their originals: a large file is worked on alone. */
const MAX_BYTES_TOGETHER = 4_000_000;
/** A file in whose reading the process died this often is taken for the cause, and not read again. */
const MAX_DEATHS = 2;
/** Pause while the verifier, whose tokenizer is needed, is away. */
const RETRY_MS = 2_000;

export class Ingestor extends DurableObject<Bindings> implements IngestorObject {
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
      const attached = await next(this.env, tenantId);
      if (attached.length === 0) {
        if (await isTenantGone(this.env, tenantId)) await eraseTenant(this.env, tenantId);
        else await purgeOrphans(this.env, tenantId, 'all');
        if (await isBehind(this.env, tenantId, touched)) {
          await scheduler.wait(PAUSE_MS);
          continue;
        }
        // Something may have come in since: `wake` saw no alarm to set only if one was running.
        if ((await next(this.env, tenantId)).length > 0) continue;
        await wakeCorpora(this.env, tenantId, touched);
        return;
      }
      for (const { attachment } of attached) touched.add(attachment.storeId);
      if ((await work(this.env, attached)) === 'later') {
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

/**
 * Whether passages have words, tokens or vectors of an earlier version, model or embedder,
 * after a step of mending that. A failure ends it for now: the next search that misses
 * some asks again. Stores whose tokens are there now are added to `touched`.
 */
async function isBehind(env: Bindings, tenantId: number, touched: Set<string>): Promise<boolean> {
  try {
    if ((await reindex(env, tenantId)) || (await revector(env, tenantId))) return true;
    const { fingerprint, encodeUntrusted: encode } = await loadModel(env);
    const tokenizer = { hash: fingerprint.tokenizer, encode };
    return await retokenize(env, tenantId, tokenizer, (storeId) => touched.add(storeId));
  } catch (error) {
    console.error(JSON.stringify({ event: 'not_prepared', error: loggable(error) }));
    return false;
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
    console.error(JSON.stringify({ event: 'corpus_not_woken', error: loggable(error) }));
  }
}

/**
 * The files to work on together, the oldest first. One in whose reading the process
 * died may be the cause: it is read alone, so that it is found out alone.
 */
async function next(env: Bindings, tenantId: number): Promise<Waiting[]> {
  const rows = await waitingFiles(env, tenantId, MAX_TOGETHER);
  let bytes = 0;
  const few = rows.findIndex(({ attachment, file }) => {
    bytes += file?.bytes ?? 0;
    return attachment.deaths > 0 || bytes > MAX_BYTES_TOGETHER;
  });
  return rows.slice(0, few < 0 ? rows.length : Math.max(1, few));
}

async function work(env: Bindings, attached: readonly Waiting[]): Promise<'done' | 'later'> {
  const attachments = attached.map(({ attachment }) => attachment);
  const [first] = attachments;
  if (first!.deaths >= MAX_DEATHS) {
    const message =
      `the service stopped ${MAX_DEATHS} times while it read this file: split the file ` +
      'or save it in another format, then attach it again';
    await failAttachments(env, [{ attachment: first!, code: 'server_error', message }]);
    return 'done';
  }
  try {
    await read(env, attached);
    return 'done';
  } catch (error) {
    if (error instanceof ModelUnavailable) return 'later';
    const event = { event: 'ingest_failed', files: attachments.map(({ fileId }) => fileId) };
    console.error(JSON.stringify({ ...event, error: loggable(error) }));
  }
  if (attachments.length === 1) {
    const message = 'ingestion failed: attach the file again';
    await failAttachments(env, [{ attachment: first!, code: 'server_error', message }]);
    return 'done';
  }
  for (const one of attached) if ((await work(env, [one])) === 'later') return 'later';
  return 'done';
}

/** Reads the files. Of one that leaves the queue nobody asks any more how often the process died in it. */
async function read(env: Bindings, attached: readonly Waiting[]): Promise<void> {
  const attachments = attached.map(({ attachment }) => attachment);
  await beginReading(env, attachments);
  try {
    const refused = await ingest(env, attached);
    if (refused.length > 0) await failAttachments(env, refused.map(failureOf));
  } catch (error) {
    await endReading(env, attachments);
    throw error;
  }
}

function failureOf({ attachment, reason: { code, message } }: Refused): Failure {
  return { attachment, code, message };
}

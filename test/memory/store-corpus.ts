/** A store's corpus as its tests fill and ask it, by RPC. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { CorpusStatus, Proceeded } from '../../src/store/objects/memory.ts';
import type { Objects } from './rpc.ts';

export const TOKENIZER = 'f'.repeat(64);
const DEADLINE_MS = 20_000;
export const POLL = { timeout: DEADLINE_MS, interval: 50 };

/** A passage of 30 tokens that no other has. */
export const passage = (document: number, n: number) =>
  Array.from({ length: 30 }, (_, i) => 70_000 + 1000 * document + 40 * n + i);

function littleEndian(tokens: readonly number[]): string {
  return Buffer.from(Int32Array.from(tokens).buffer).toString('hex');
}

/** A tenant with an empty store. */
export async function newStore(objects: Objects) {
  const tenantId = objects.nextTenant();
  const storeId = `vs_${tenantId}`;
  await objects.sql(`INSERT INTO tenants (id, name) VALUES (${tenantId}, 'tenant ${tenantId}')`);
  await objects.sql(
    `INSERT INTO stores (id, tenant_id, name) VALUES ('${storeId}', ${tenantId}, '')`,
  );
  const placeOf = (shard: number) => ({ tenantId, storeId, tokenizer: TOKENIZER, shard });
  const changed = () =>
    objects.sql(`UPDATE stores SET revision = revision + 1 WHERE id = '${storeId}'`);
  const call = <T>(shard: number, method: string, ...args: unknown[]) =>
    objects.call<T>(
      'STORE_CORPUS',
      [tenantId, storeId, TOKENIZER, shard].join('/'),
      method,
      ...args,
    );
  const id = (document: number) => 1000 * tenantId + document;
  return {
    tenantId,
    storeId,
    placeOf,
    call,
    changed,
    /** As ingestion does: a document of so many passages, attached. */
    async add(document: number, passages: number, tokenizer = TOKENIZER) {
      await objects.sql(
        `INSERT INTO documents (id, tenant_id, key, complete, tokenizer)
         VALUES (${id(document)}, ${tenantId}, 'k${document}', 1, '${tokenizer}')`,
      );
      for (let n = 0; n < passages; n++) {
        const chunk = 100_000 * tenantId + 100 * document + n;
        await objects.sql(
          `INSERT INTO chunks (id, document_id, title, heading, text, start, "end")
           VALUES (${chunk}, ${id(document)}, '', '', '', 0, 0)`,
        );
        await objects.sql(
          `INSERT INTO chunk_tokens (chunk_id, tokenizer, ids)
           VALUES (${chunk}, '${tokenizer}', x'${littleEndian(passage(document, n))}')`,
        );
      }
      await objects.sql(
        `INSERT INTO store_files (store_id, file_id, tenant_id, document_id, status)
         VALUES ('${storeId}', 'file-${document}', ${tenantId}, ${id(document)}, 'completed')`,
      );
      await changed();
    },
    /** As detaching does. */
    async remove(document: number) {
      await objects.sql(
        `DELETE FROM store_files WHERE store_id = '${storeId}' AND document_id = ${id(document)}`,
      );
      await changed();
    },
    wake: () => call(0, 'wake', placeOf(0)),
    status: (shard = 0) => call<CorpusStatus>(shard, 'status'),
    /** Waits until the shard is as it should be. */
    async until(holds: (status: CorpusStatus) => boolean, shard = 0): Promise<CorpusStatus> {
      const deadline = Date.now() + DEADLINE_MS;
      for (;;) {
        const status = await call<CorpusStatus>(shard, 'status');
        if (holds(status)) return status;
        if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(status)}`);
        await sleep(20);
      }
    },
    async proceed(tail: number[], shard = 0) {
      const { runs } = await call<Proceeded>(
        shard,
        'proceed',
        placeOf(shard),
        Int32Array.from(tail),
        [],
        true,
      );
      return runs.map(({ tokens }) => [...tokens]);
    },
    /** Waits until a segment has been built that is not published; see `SmallStoreCorpus`. */
    heldBuild: () => expect.poll(() => call<number>(0, 'heldBuilds'), POLL).toBe(1),
    async restart(shard = 0) {
      await call(shard, 'restart').catch(() => {});
    },
  };
}

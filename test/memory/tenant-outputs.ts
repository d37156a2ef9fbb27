/** A tenant's memory of outputs as its tests ask it, by RPC. */
import { changesBetween, freshState } from '../../src/memory/objects/mixer-weights.ts';
import type { KeptRange, KeptRun, Recalled } from '../../src/store/objects/memory.ts';
import type { Objects } from './rpc.ts';

interface Shape {
  tokens: number;
  damaged: number;
  segments: number;
  bytes: number;
  outputs: number;
  passages: number;
  rows: number;
}

/** A tenant of its own with passages 1 to `passages` of its numbering in D1, and its object. */
export async function newMemory(objects: Objects, passages = 0, binding = 'TENANT_MEMORY') {
  const id = objects.nextTenant();
  await objects.sql(`INSERT INTO tenants (id, name) VALUES (${id}, 'tenant ${id}')`);
  const passage = (n: number) => 1000 * id + n;
  for (let n = 1; n <= passages; n++) {
    await objects.sql(
      `INSERT INTO documents (id, tenant_id, key, complete) VALUES (${passage(n)}, ${id}, 'k${n}', 1)`,
    );
    await objects.sql(
      `INSERT INTO chunks (id, document_id, title, heading, text, start, "end")
       VALUES (${passage(n)}, ${passage(n)}, '', '', '', 0, 0)`,
    );
  }
  const call = <T>(method: string, ...args: unknown[]) =>
    objects.call<T>(binding, `namespace ${id}`, method, ...args);
  return {
    id,
    passage,
    call,
    async learn(
      tokens: number[],
      { hash = tokens.join(), of = [] as number[], quotes = [] as string[] } = {},
    ) {
      const output = { tokens: Int32Array.from(tokens), hash, passages: of.map(passage), quotes };
      const mixer = changesBetween(freshState(), freshState());
      await call('learn', id, { output, mixer });
    },
    async recall(...of: number[]) {
      const { runs } = await call<Recalled>('recall', id, of.map(passage), null);
      return runs.map(({ tokens }) => [...tokens]);
    },
    async proceed(tail: number[], held: KeptRange[] = []) {
      const runs = await call<KeptRun[]>('proceed', id, Int32Array.from(tail), held);
      return runs.map(({ tokens }) => [...tokens]);
    },
    /** As `purgeOrphans` does. */
    async deletePassage(n: number) {
      await objects.sql(`DELETE FROM chunks WHERE id = ${passage(n)}`);
      await objects.sql(`UPDATE tenants SET purges = purges + 1 WHERE id = ${id}`);
    },
    async restart() {
      await call('restart').catch(() => {});
    },
    /** Builds what the alarm would build soon. */
    settle: () => call('settle'),
    shape: () => call<Shape>('shape'),
  };
}

/** Distinct outputs of 40 tokens: the `n`-th counts from 100 n. */
export const output = (n: number) => Array.from({ length: 40 }, (_, i) => 100 * n + i);

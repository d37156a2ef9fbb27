/**
 * What is kept of a tenant's earlier answers and of its stores' text, where the
 * end of a text occurs there: asked once, for those who wait for it.
 */
import type { Bindings } from '../../bindings.ts';
import { Source } from '../../draft/source.ts';
import { MAX_CONTEXT } from '../../draft/stores/session-store.ts';
import type { Span } from '../../draft/stores/span-store.ts';
import { corpusAt } from '../../store/corpora.ts';
import type { KeptRun } from '../../store/objects/memory.ts';
import type { Namespace } from '../../store/tenants.ts';
import { MAX_SHARDS } from '../objects/corpus-limits.ts';
import { MIN_MATCH } from '../objects/match.ts';
import { tenantMemory } from '../objects/tenant-memory.ts';

/** Stores that are asked; of a request with many, the first ones. */
const MAX_LOOKED_UP = 8;
/** Who has not answered by then is done without. */
const DEADLINE_MS = 150;

/** Never rejects: what can't be had is left out. */
export async function lookUp(
  env: Bindings,
  namespace: Namespace,
  storeIds: readonly string[],
  text: Int32Array,
): Promise<Span[]> {
  const tail = text.slice(-MAX_CONTEXT);
  if (tail.length < MIN_MATCH) return [];
  const found: Span[] = [];
  let late = false;
  const take = (source: Source, runs: readonly KeptRun[]) => {
    if (late) return;
    for (const { from, tokens } of runs) found.push({ source, begins: from === 0, tokens });
  };
  const { tenantId, tokenizer } = namespace;
  const askTenant = async () => {
    take(Source.tenant, await tenantMemory(env, namespace).proceed(tenantId, tail, [], true));
  };
  const askStore = async (storeId: string) => {
    for (let shard = 0; shard < MAX_SHARDS; shard++) {
      const place = { tenantId, storeId, tokenizer, shard };
      const { runs, more } = await corpusAt(env, place).proceed(place, tail, [], true);
      take(Source.corpus, runs);
      if (!more) return;
    }
  };
  const asked = [askTenant(), ...storeIds.slice(0, MAX_LOOKED_UP).map(askStore)];
  const logged = asked.map((question) =>
    question.catch((error: unknown) => {
      console.error(JSON.stringify({ event: 'draft_memory_failed', error: String(error) }));
    }),
  );
  await Promise.race([Promise.all(logged), new Promise((done) => setTimeout(done, DEADLINE_MS))]);
  late = true;
  return found;
}

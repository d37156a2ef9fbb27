/**
 * The worker with stand-ins for what needs an account at Cloudflare, bound as the
 * real ones would be: Workers AI, and Vectorize with its limits and delays.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Bindings } from '../../src/bindings.ts';
import app from '../../src/index.ts';

export * from '../../src/index.ts';

/** The worker, and how many vectors are anywhere. */
export default {
  async fetch(request: Request, env: Bindings, ctx: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname !== '/stand-in/vectors') return app.fetch(request, env, ctx);
    const row = await env.DB.prepare('SELECT count(*) AS rows FROM chunk_vectors').first<{
      rows: number;
    }>();
    return Response.json({ d1: row!.rows, vectorize: held.size });
  },
};

const DIMENSIONS = 32;

/** A vector of counts of the text's letters: texts of like words are near. */
function lettersOf(text: string): number[] {
  const counts = new Array<number>(DIMENSIONS).fill(0.01);
  for (const letter of text.toLowerCase()) {
    const at = letter.charCodeAt(0) - 97;
    if (at >= 0 && at < 26) counts[at]! += 1;
  }
  return counts;
}

export class StandInAi extends WorkerEntrypoint {
  async run(model: string, { text }: { text: string[] }) {
    if (!model.startsWith('@cf/')) throw new Error(`no model ${model}`);
    if (text.length > 100) throw new Error('at most 100 texts');
    if (text.some((one) => one === '')) throw new Error('a text is empty');
    return { shape: [text.length, DIMENSIONS], data: text.map(lettersOf) };
  }
}

interface Entry {
  id: string;
  namespace: string;
  values: number[];
  metadata: { document: number };
}

interface Options {
  topK: number;
  namespace: string;
  filter?: { document: { $in: number[] } };
}

/** How long a mutation takes to show. */
const DELAY_MS = 150;
const held = new Map<string, Entry>();

function refuseWhen(wrong: boolean, message: string): void {
  if (wrong) throw new Error(`VECTOR_QUERY_ERROR: ${message}`);
}

export class StandInVectorize extends WorkerEntrypoint {
  async query(vector: number[], { topK, namespace, filter }: Options) {
    refuseWhen(topK < 1 || topK > 100, 'topK is 1 to 100');
    refuseWhen(JSON.stringify(filter ?? {}).length > 2_048, 'the filter is too long');
    const matches = [...held.values()]
      .filter((entry) => entry.namespace === namespace)
      .filter(
        ({ metadata }) => filter === undefined || filter.document.$in.includes(metadata.document),
      )
      .map(({ id, values, metadata }) => ({ id, metadata, score: cosine(vector, values) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, topK);
    return { count: matches.length, matches };
  }

  async upsert(entries: Entry[]) {
    refuseWhen(entries.length > 1_000, 'at most 1000 vectors');
    for (const { id, namespace } of entries) {
      refuseWhen(id.length > 64 || namespace.length > 64, 'ids and namespaces have 64 bytes');
    }
    return this.later(() => {
      for (const entry of entries) held.set(entry.id, entry);
    });
  }

  async deleteByIds(ids: string[]) {
    return this.later(() => {
      for (const id of ids) held.delete(id);
    });
  }

  private later(mutate: () => void) {
    this.ctx.waitUntil(scheduler.wait(DELAY_MS).then(mutate));
    return { mutationId: crypto.randomUUID() };
  }
}

function cosine(a: number[], b: number[]): number {
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1);
}

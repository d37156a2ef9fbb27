/** A worker that passes calls on to the objects under test, which are the real ones with smaller limits. */
import type { Bindings } from '../../src/bindings.ts';
import { StoreCorpus } from '../../src/memory/objects/store-corpus.ts';
import { TenantMemory } from '../../src/memory/objects/tenant-memory.ts';
import { writeDocuments } from '../../src/store/documents.ts';
import type { CorpusStatus } from '../../src/store/objects/memory.ts';
import { purgeOrphans } from '../../src/store/purge.ts';
import { ensurePassageIndex } from '../../src/store/tenants.ts';
import { fromText, toText } from './typed-json.ts';

/** With the limits of the service. */
export { TenantMemory };

/** Every way in which a kept segment may be damaged. */
const DAMAGE = {
  flipped: "substr(bytes, 1, 40) || x'ff' || substr(bytes, 42)",
  cut: 'substr(bytes, 1, length(bytes) - 4)',
  empty: "x''",
  foreign: 'randomblob(length(bytes))',
  'of an earlier version': "substr(bytes, 1, 4) || x'01000000' || substr(bytes, 9)",
};

export class SmallTenantMemory extends TenantMemory {
  protected override readonly limits = {
    recentTokens: 128,
    segmentTokens: 512,
    totalTokens: 1024,
  };

  shape() {
    this.outputs.checkIntegrity();
    const { tokens, damaged } = this.outputs;
    const [[segments, bytes]] = this.select<[number, number]>(
      'SELECT count(*), coalesce(sum(length(bytes)), 0) FROM segments',
    );
    const [[outputs]] = this.select<[number]>('SELECT count(*) FROM outputs');
    const [[passages]] = this.select<[number]>('SELECT count(*) FROM output_passages');
    return { tokens, damaged, segments, bytes, outputs, passages };
  }

  damage(how: keyof typeof DAMAGE): void {
    this.ctx.storage.sql.exec(`UPDATE segments SET bytes = ${DAMAGE[how]}`);
  }

  loseSegments(): void {
    this.ctx.storage.sql.exec('DELETE FROM segments');
  }

  tables(): string[] {
    return this.select<[string]>(
      "SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'",
    ).flat();
  }

  /** At once what the alarm does soon. */
  settle(): Promise<void> {
    return this.alarm();
  }

  /** As an eviction, a new version of the worker or a crash of the machine. */
  restart(): void {
    this.ctx.abort('restarted by the test');
  }

  private select<T extends SqlStorageValue[]>(query: string): [T, ...T[]] {
    return [...this.ctx.storage.sql.exec(query).raw<T>()] as [T, ...T[]];
  }
}

export class SmallStoreCorpus extends StoreCorpus {
  protected override limits = { segmentTokens: 200, shardTokens: 600, shardBytes: 1_000_000 };
  private alarmed: Promise<void> = Promise.resolve();
  private holding = false;
  private readonly held: (() => void)[] = [];

  limitBytes(shardBytes: number): void {
    this.limits = { ...this.limits, shardBytes };
  }

  override async status(): Promise<CorpusStatus> {
    this.checkIntegrity();
    return super.status();
  }

  /** From now on what has been built is published when the test says so, as if building took long. */
  holdBuilds(): void {
    this.holding = true;
  }

  heldBuilds(): number {
    return this.held.length;
  }

  releaseBuild(): void {
    this.held.shift()!();
  }

  override async alarm(): Promise<void> {
    this.alarmed = super.alarm();
    await this.alarmed;
  }

  /** Returns when the alarm that is under way is over; rejects with what it threw. */
  async settle(): Promise<void> {
    await this.alarmed;
  }

  protected override async build(passages: readonly Int32Array[]): Promise<ArrayBuffer | null> {
    const bytes = await super.build(passages);
    if (this.holding) await new Promise<void>((resolve) => this.held.push(resolve));
    return bytes;
  }

  /** As an eviction, a new version of the worker or a crash of the machine. */
  restart(): void {
    this.ctx.abort('restarted by the test');
  }
}

/** What the tests do to the bucket behind the objects' backs. */
const BUCKET = {
  async keys({ FILES }: Bindings): Promise<string[]> {
    return (await FILES.list()).objects.map(({ key }) => key);
  },
  /** Flips a byte of every object. */
  async damage({ FILES }: Bindings): Promise<void> {
    for (const { key } of (await FILES.list()).objects) {
      const bytes = new Uint8Array(await (await FILES.get(key))!.arrayBuffer());
      bytes[bytes.length >> 1]! ^= 1;
      await FILES.put(key, bytes);
    }
  },
  async empty({ FILES }: Bindings): Promise<void> {
    for (const { key } of (await FILES.list()).objects) await FILES.delete(key);
  },
};

/** A document of one passage. */
interface NewText {
  tenantId: number;
  key: string;
}

/** Writes it as ingestion does. */
async function write(env: Bindings, { tenantId, key }: NewText) {
  await ensurePassageIndex(env, tenantId);
  const passage = { title: '', heading: '', text: key, start: 0, end: key.length };
  const words = [null, null, null] as const;
  const passages = [{ ...passage, words, tokens: Int32Array.of(1, 2, 3), vector: null }];
  const makers = { tokenizer: 'f'.repeat(64), embedder: null };
  await writeDocuments(env, tenantId, makers, [{ key, passages, notice: null }], []);
  return null;
}

interface Call {
  binding: 'TENANT_MEMORY' | 'FULL_TENANT_MEMORY' | 'STORE_CORPUS';
  object: string;
  method: string;
  args: unknown[];
}

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    if (request.method === 'GET') return new Response('up');
    const body = fromText(await request.text()) as
      | Call
      | { sql: string }
      | { bucket: keyof typeof BUCKET }
      | { write: NewText }
      | { purge: number };
    try {
      if ('sql' in body)
        return new Response(toText((await env.DB.prepare(body.sql).all()).results));
      if ('write' in body) return new Response(toText(await write(env, body.write)));
      if ('purge' in body) {
        await purgeOrphans(env, body.purge);
        return new Response(toText(null));
      }
      if ('bucket' in body) return new Response(toText((await BUCKET[body.bucket](env)) ?? null));
      const objects = (env as Bindings & Record<string, DurableObjectNamespace>)[body.binding]!;
      const stub = objects.get(objects.idFromName(body.object)) as unknown as Record<
        string,
        (...args: unknown[]) => Promise<unknown>
      >;
      return new Response(toText((await stub[body.method]!(...body.args)) ?? null));
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};

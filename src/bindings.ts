import type { StoreCorpus } from './memory/objects/store-corpus.ts';
import type { TenantMemory } from './memory/objects/tenant-memory.ts';
import type { Limiter } from './meter/limiter.ts';
import type { Metrics } from './meter/metrics.ts';
import type { TextEmbeddings } from './retrieve/embed/workers-ai.ts';
import type { Ingestor } from './retrieve/ingestor.ts';
import type { StoreVectors } from './retrieve/vectors/store-vectors.ts';
import type { Vectorize } from './retrieve/vectors/vectorize.ts';

/** What wrangler.toml binds. */
export interface Bindings {
  /** Records and the passage index. */
  DB: D1Database;
  /** Uploaded originals, their extracted text, and the target's tokenizer files. */
  FILES: R2Bucket;
  /** The chat page, and the sentence encoder's files. */
  ASSETS: Fetcher;
  /** One object per tenant: turns attached files into passages. */
  INGESTOR: DurableObjectNamespace<Ingestor>;
  /** One object per store: its passages' vectors, in memory. */
  STORE_VECTORS: DurableObjectNamespace<StoreVectors>;
  /** Vectorize, where it holds the vectors instead of those objects. */
  VECTORIZE?: Vectorize;
  /** One object per tenant and model: past outputs, and what the drafter has learned. */
  TENANT_MEMORY: DurableObjectNamespace<TenantMemory>;
  /** One object per store, tokenizer and shard: the store's text, to draft from. */
  STORE_CORPUS: DurableObjectNamespace<StoreCorpus>;
  /** One object per key: counts its requests. */
  LIMITER: DurableObjectNamespace<Limiter>;
  /** One object: adds up what the metrics page shows. */
  METRICS: DurableObjectNamespace<Metrics>;
  /**
   * How texts become vectors: `bundled` (default), `onnx:<name>` out of R2,
   * `workers-ai:<model>`; `none` searches by words alone.
   */
  EMBEDDER?: string;
  /** Workers AI, where it embeds. */
  AI?: TextEmbeddings;
  /** `bundled` (default) or `none`: the draft model in the worker. */
  DRAFT_MODEL?: string;
  /** `loopback`: programs on this machine need no key. Anything else: all do. */
  KEYLESS?: string;
  /** Origins whose pages may call the API, separated by commas; `*` for all; none by default. */
  CORS_ORIGINS?: string;
  /** Where the verifier listens, as seen from the worker; several separated by commas. */
  VERIFIER_URL: string;
  /** Keys that open the verifiers' links, a secret: `id:secret`, separated by commas, the first one signs. */
  LINK_KEYS?: string;
}

/** Without trailing slashes. At least one. */
export function verifierUrls({ VERIFIER_URL }: Pick<Bindings, 'VERIFIER_URL'>): string[] {
  return VERIFIER_URL.split(',').map((url) => url.trim().replace(/\/+$/, ''));
}

import type { IngestorObject } from './store/objects/ingestor.ts';
import type { LimiterObject } from './store/objects/limiter.ts';
import type { StoreCorpusObject, TenantMemoryObject } from './store/objects/memory.ts';
import type { MetricsObject } from './store/objects/metrics.ts';
import type { StoreVectorsObject } from './store/objects/vectors.ts';

/** A namespace of Durable Objects that keep this contract. */
type Objects<T> = DurableObjectNamespace<T & Rpc.DurableObjectBranded>;

/** What wrangler.toml binds. */
export interface Bindings {
  /** Records and the passage index. */
  DB: D1Database;
  /** Uploaded originals, their extracted text, and the target's tokenizer files. */
  FILES: R2Bucket;
  /** The chat page, and the sentence encoder's files. */
  ASSETS: Fetcher;
  /** One object per tenant: turns attached files into passages. */
  INGESTOR: Objects<IngestorObject>;
  /** One object per store: its passages' vectors, in memory. */
  STORE_VECTORS: Objects<StoreVectorsObject>;
  /** Vectorize, where it holds the vectors instead of those objects. */
  VECTORIZE?: Vectorize;
  /** One object per tenant and model: past outputs, and what the drafter has learned. */
  TENANT_MEMORY: Objects<TenantMemoryObject>;
  /** One object per store, tokenizer and shard: the store's text, to draft from. */
  STORE_CORPUS: Objects<StoreCorpusObject>;
  /** One object per key: counts its requests. */
  LIMITER: Objects<LimiterObject>;
  /** One object: adds up what the metrics page shows. */
  METRICS: Objects<MetricsObject>;
  /**
   * How texts become vectors: `bundled` (default), `onnx:<name>` out of R2,
   * `workers-ai:<model>`; `none` searches by words alone.
   */
  EMBEDDER?: string;
  /** Workers AI, where it embeds. */
  AI?: TextEmbeddings;
  /** The draft model in the worker: `auto` (default) is R2's for the target's tokenizer, else the bundled one; or `bundled`, or `none`. */
  DRAFT_MODEL?: string;
  /** `expected`: `npm start` is about to give it the demo documents, and questions wait for them. */
  DEMO?: string;
  /** `off`: no line of the log for each request and answer. `npm start` sets it, as its log keeps warnings alone. */
  REQUEST_LOG?: string;
  /** Requests that carry it need no key: `npm start` makes one at each start. Absent: all need a key. */
  LOCAL_SECRET?: string;
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

/** Of the `VECTORIZE` binding, what is used here. */
export interface Vectorize {
  query(vector: number[], options: VectorizeQuery): Promise<{ matches: VectorizeMatch[] }>;
  upsert(vectors: VectorizeEntry[]): Promise<unknown>;
  deleteByIds(ids: string[]): Promise<unknown>;
}

interface VectorizeQuery {
  topK: number;
  namespace: string;
  filter?: { document: { $in: number[] } };
  returnMetadata: 'indexed';
}

interface VectorizeMatch {
  id: string;
  score: number;
  metadata?: Record<string, unknown>;
}

interface VectorizeEntry {
  id: string;
  namespace: string;
  values: number[];
  metadata: { document: number };
}

/** Of the `AI` binding, what is used here. */
export interface TextEmbeddings {
  run(model: string, input: { text: string[] }): Promise<unknown>;
}

import type { Ingestor } from './retrieve/ingestor.ts';

/** What wrangler.toml binds. */
export interface Bindings {
  /** Records and the passage index. */
  DB: D1Database;
  /** Uploaded originals, their extracted text, and the target's tokenizer files. */
  FILES: R2Bucket;
  /** The chat page. */
  ASSETS: Fetcher;
  /** One object per tenant: turns attached files into passages. */
  INGESTOR: DurableObjectNamespace<Ingestor>;
  /** Where the verifier listens, as seen from the worker. */
  VERIFIER_URL: string;
}

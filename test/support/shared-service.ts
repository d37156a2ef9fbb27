/** The real service of the bundled model, for a test file that neither breaks it nor counts what it has done since its start. */
import { inject } from 'vitest';

export interface SharedService {
  url: string;
  verifierUrl: string;
  /** The model's id. */
  model: string;
  /** Folder of the worker's databases. */
  databases: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the pool (service-pool.ts). */
    services: string;
  }
}

/** @param demo whether docs/ are ingested for callers without a key */
export async function sharedService({ demo }: { demo: boolean }): Promise<SharedService> {
  const kind = demo ? 'demo' : 'bare';
  const response = await fetch(`${inject('services')}/${process.env.VITEST_POOL_ID}/${kind}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as SharedService;
}

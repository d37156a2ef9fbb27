/** The real service of the bundled model, for a test file that neither breaks it nor counts what it has done since its start. */
import { inject } from 'vitest';

/** `demo`: with docs/ ingested for callers without a key; `objects`: those of test/memory/objects.ts, alone. */
export type ServiceKind = 'bare' | 'demo' | 'objects';

export interface SharedService {
  url: string;
  /** Where the worker listens behind its front. */
  runtimeUrl: string;
  verifierUrl: string;
  /** The model's id. */
  model: string;
  /** Folder of the worker's databases. */
  databases: string;
}

export interface SharedObjects {
  runtimeUrl: string;
  /** Ids from here on are no other file's. */
  firstTenant: number;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the pool (service-pool.ts). */
    services: string;
  }
}

/** @param demo whether docs/ are ingested for callers without a key */
export function sharedService({ demo }: { demo: boolean }): Promise<SharedService> {
  return borrow(demo ? 'demo' : 'bare');
}

export function sharedObjects(): Promise<SharedObjects> {
  return borrow('objects');
}

async function borrow<T>(kind: ServiceKind): Promise<T> {
  const response = await fetch(`${inject('services')}/${process.env.VITEST_POOL_ID}/${kind}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

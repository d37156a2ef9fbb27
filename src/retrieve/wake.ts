/** Who wakes the objects that take files in and prepare what is there for another model or embedder. */
import type { Bindings } from '../bindings.ts';

/** Wakes the tenant's ingestor. */
export async function startIngestion(env: Bindings, tenantId: number): Promise<void> {
  await env.INGESTOR.get(env.INGESTOR.idFromName(String(tenantId))).wake(tenantId);
}

/** When each tenant's ingestor was last woken for a tokenizer or an embedder: once in a while is enough. */
const woken = new Map<string, number>();
const AGAIN_MS = 30_000;

/**
 * Wakes the ingestor of a tenant whose documents are not prepared.
 * @param maker what they lack tokens or vectors of
 */
export async function wakeToPrepare(env: Bindings, tenantId: number, maker: string): Promise<void> {
  const key = `${tenantId} ${maker}`;
  if (Date.now() < (woken.get(key) ?? 0) + AGAIN_MS) return;
  woken.set(key, Date.now());
  await startIngestion(env, tenantId);
}

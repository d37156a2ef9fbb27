/** API keys. Only their hashes are kept: a key is shown once, where it is made. */
import { and, eq, isNull } from 'drizzle-orm';
import type { Database } from './database.ts';
import { sha256 } from './ids.ts';
import type { KeyLimits } from './objects/limiter.ts';
import { apiKeys, type KeyScope, tenants } from './schema.ts';
import type { Tenant } from './tenants.ts';

export interface ApiKey {
  id: number;
  tenant: Tenant;
  scopes: readonly KeyScope[];
  limits: KeyLimits;
}

/** The key's record, or undefined if it was never made or has been revoked. One query. */
export async function findKey(db: Database, key: string): Promise<ApiKey | undefined> {
  const [row] = await db
    .select({
      id: apiKeys.id,
      tenant: { id: tenants.id, name: tenants.name },
      scopes: apiKeys.scopes,
      limits: {
        requestsPerMinute: apiKeys.requestsPerMinute,
        concurrency: apiKeys.concurrency,
      },
    })
    .from(apiKeys)
    .innerJoin(tenants, eq(tenants.id, apiKeys.tenantId))
    .where(and(eq(apiKeys.hash, await sha256(key)), isNull(apiKeys.revokedAt)));
  return row;
}

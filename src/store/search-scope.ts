/** What a search may find, as a condition in SQL: the one place where it is decided. */
import { type SQL, sql } from 'drizzle-orm';
import { type AttributeFilter, filterCondition } from './attribute-filter.ts';
import { listed } from './database.ts';
import { SECONDS_PER_DAY } from './schema.ts';
import type { Namespace } from './tenants.ts';

export interface SearchScope {
  namespace: Namespace;
  storeIds: readonly string[];
  filter?: AttributeFilter | undefined;
}

/**
 * The attachments `sf` of a document that the search reaches: in one of the
 * stores named, of this tenant, in a store that has not expired, with attributes
 * that pass the filter.
 */
export function reachable({ namespace, storeIds, filter }: SearchScope, documentId: SQL): SQL {
  return sql`FROM store_files sf JOIN stores s ON s.id = sf.store_id
    WHERE sf.document_id = ${documentId}
      AND sf.tenant_id = ${namespace.tenantId} AND s.tenant_id = ${namespace.tenantId}
      AND s.id IN ${listed(storeIds)}
      AND (s.expires_after_days IS NULL
        OR s.last_active_at + s.expires_after_days * ${SECONDS_PER_DAY} > unixepoch())
      ${filter === undefined ? sql`` : sql`AND ${filterCondition(filter, sql`sf.attributes`)}`}`;
}

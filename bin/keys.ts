/** Keys as the worker finds them: see `src/store/keys.ts`. */
import { createHash, randomBytes } from 'node:crypto';
import { KEY_PREFIX, type KeyScope } from '../src/store/schema.ts';
import { type Database, quote, type Row } from './d1.ts';

const KEY_BYTES = 24;
/** Enough to tell keys apart, far too little to guess one. */
const SHOWN = KEY_PREFIX.length + 6;

export interface NewKey {
  tenant: string;
  name: string;
  scopes: readonly KeyScope[];
  requestsPerMinute: number;
  concurrency: number;
}

/** Makes a key and returns it: afterwards only its hash is known. */
export function createKey(db: Database, key: NewKey): string {
  const secret = KEY_PREFIX + randomBytes(KEY_BYTES).toString('base64url');
  const hash = createHash('sha256').update(secret).digest('hex');
  const values = [
    key.name,
    hash,
    secret.slice(0, SHOWN),
    JSON.stringify(key.scopes),
    key.requestsPerMinute,
    key.concurrency,
  ];
  db(`INSERT INTO tenants (name) VALUES (${quote(key.tenant)}) ON CONFLICT DO NOTHING;
    INSERT INTO api_keys (tenant_id, name, hash, start, scopes, requests_per_minute, concurrency)
    SELECT id, ${values.map(quote).join(', ')} FROM tenants WHERE name = ${quote(key.tenant)};`);
  return secret;
}

export function listKeys(db: Database): Row[] {
  return db(`SELECT k.id, t.name AS tenant, k.name, k.start || '…' AS key, k.scopes,
      k.requests_per_minute, k.concurrency, date(k.created_at, 'unixepoch') AS created,
      date(k.revoked_at, 'unixepoch') AS revoked
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id ORDER BY k.id`);
}

/** False if there is no such key, or it was revoked before. */
export function revokeKey(db: Database, id: number): boolean {
  const changed = db(
    `UPDATE api_keys SET revoked_at = unixepoch() WHERE id = ${id} AND revoked_at IS NULL RETURNING id`,
  );
  return changed.length > 0;
}

/**
 * Whose request it is and what it may do: by its key, or, on the machine the
 * worker runs on, without one. Scopes are checked where routes are mounted.
 */
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { database } from '../../store/database.ts';
import { findKey } from '../../store/keys.ts';
import { KEY_PREFIX, SCOPES, type Scope } from '../../store/schema.ts';
import {
  ensurePassageIndex,
  ensureTenant,
  LOCAL_TENANT,
  type Tenant,
} from '../../store/tenants.ts';
import type { AppEnv, Caller } from '../context.ts';
import { forbidden, unauthorized } from '../errors.ts';

const LOOPBACK_ADDRESSES = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);
/** What a proxy adds: the caller is then elsewhere, wherever the connection comes from. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip'];

const HOW_TO_GET_ONE = 'make one with `npx espalier key create`';

/** Made once per isolate: the row never changes. */
let local: Tenant | undefined;

export const authenticate = createMiddleware<AppEnv>(async function authenticate(c, next) {
  const caller = await identify(c);
  await ensurePassageIndex(c.env, caller.tenant.id);
  c.set('caller', caller);
  c.set('tenant', caller.tenant);
  await next();
});

/** Lets through who has one of the scopes. `admin` has all. */
export function allow(...scopes: Scope[]) {
  return createMiddleware<AppEnv>(async function allowScopes(c, next) {
    const { caller } = c.var;
    if (
      !scopes.some((scope) => caller.scopes.includes(scope)) &&
      !caller.scopes.includes('admin')
    ) {
      throw forbidden(`this needs a key with the scope ${scopes.join(' or ')}: ${HOW_TO_GET_ONE}`);
    }
    await next();
  });
}

async function identify(c: Context<AppEnv>): Promise<Caller> {
  const db = database(c.env);
  const token = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]?.trim();
  if (token?.startsWith(KEY_PREFIX)) {
    const key = await findKey(db, token);
    if (!key) throw unauthorized(`this key is not known or has been revoked: ${HOW_TO_GET_ONE}`);
    return { ...key, keyId: key.id };
  }
  // SDKs insist on some key: on this machine, any that isn't one of ours is as good as none.
  if (!isLocal(c)) throw unauthorized(`send "Authorization: Bearer <key>": ${HOW_TO_GET_ONE}`);
  local ??= await ensureTenant(db, LOCAL_TENANT);
  return { keyId: null, tenant: local, scopes: SCOPES, limits: null };
}

/**
 * True for a program on the worker's own machine, or its own page in a browser
 * there. Cloudflare sets the connecting address in production, so it is never
 * loopback there; `wrangler dev` must listen on loopback only, as configured. The
 * host's name must be loopback too, or a foreign page could get here through a
 * name of its own that resolves to 127.0.0.1.
 */
export function isLocal(c: Context<AppEnv>): boolean {
  if (c.env.KEYLESS !== 'loopback') return false;
  const { hostname, origin } = new URL(c.req.url);
  const header = (name: string) => c.req.header(name);
  return (
    LOOPBACK_ADDRESSES.has(header('cf-connecting-ip') ?? '') &&
    LOOPBACK_HOSTS.has(hostname) &&
    !FORWARDED.some((name) => header(name) !== undefined) &&
    [undefined, origin].includes(header('origin')) &&
    [undefined, 'same-origin', 'none'].includes(header('sec-fetch-site'))
  );
}

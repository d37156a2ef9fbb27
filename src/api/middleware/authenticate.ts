/**
 * Whose request it is and what it may do: by its key, or, on the machine the
 * worker runs on, without one. Scopes are checked where routes are mounted.
 */
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { database } from '../../store/database.ts';
import { findKey } from '../../store/keys.ts';
import { KEY_PREFIX, type KeyScope, SCOPES } from '../../store/schema.ts';
import {
  ensurePassageIndex,
  ensureTenant,
  LOCAL_TENANT,
  type Tenant,
} from '../../store/tenants.ts';
import type { AppEnv, Caller } from '../context.ts';
import { forbidden, unauthorized } from '../errors.ts';

/** Carries `LOCAL_SECRET`, from the front of `npm start` (local/front.ts) alone. */
const LOCAL_HEADER = 'x-espalier-local';
/** A key of ours, whole or not, wherever it is in the header. */
const LOOKS_LIKE_A_KEY = new RegExp(`\\b${KEY_PREFIX.replace('_', '[_-]')}`, 'i');

const HOW_TO_GET_ONE = 'make one with `npx espalier key create`';

/** Made once per isolate: the row never changes. */
let local: Tenant | undefined;

/**
 * Sets the caller and its tenant.
 *
 * @example
 * app.use('/v1/*', authenticate());
 */
export function authenticate() {
  return createMiddleware<AppEnv>(async function authenticate(c, next) {
    const caller = await identify(c);
    await ensurePassageIndex(c.env, caller.tenant.id);
    c.set('caller', caller);
    c.set('tenant', caller.tenant);
    await next();
  });
}

/**
 * Lets through who has one of the scopes. `admin` has all that concern its tenant.
 *
 * @example
 * app.use('/v1/embeddings', allow('chat', 'ingest'));
 */
export function allow(...scopes: KeyScope[]) {
  return createMiddleware<AppEnv>(async function allow(c, next) {
    const { caller } = c.var;
    const asAdmin = caller.scopes.includes('admin') && !scopes.includes('metrics');
    if (!asAdmin && !scopes.some((scope) => caller.scopes.includes(scope))) {
      throw forbidden(`this needs a key with the scope ${scopes.join(' or ')}: ${HOW_TO_GET_ONE}`);
    }
    await next();
  });
}

/**
 * A key that is unknown, revoked or malformed is nobody's, also on the worker's own
 * machine: it never falls back to what needs none.
 */
async function identify(c: Context<AppEnv>): Promise<Caller> {
  const header = c.req.header('authorization')?.trim() ?? '';
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
  const db = database(c.env);
  if (token?.startsWith(KEY_PREFIX)) {
    const key = await findKey(db, token);
    if (!key) throw unauthorized(`this key is not known or has been revoked: ${HOW_TO_GET_ONE}`);
    return { ...key, keyId: key.id };
  }
  if (LOOKS_LIKE_A_KEY.test(header)) {
    throw unauthorized(`this is no whole key: send "Authorization: Bearer ${KEY_PREFIX}…"`);
  }
  if (header !== '' && token === undefined && !/^Bearer$/i.test(header)) {
    throw unauthorized('the header "Authorization" must be "Bearer <key>"');
  }
  // SDKs insist on some key: on this machine, any that isn't one of ours is as good as none.
  if (!isLocal(c)) throw unauthorized(`send "Authorization: Bearer <key>": ${HOW_TO_GET_ONE}`);
  local ??= await ensureTenant(db, LOCAL_TENANT);
  return { keyId: null, tenant: local, scopes: SCOPES, limits: null };
}

/**
 * True for a program on the worker's own machine, or its own page in a browser
 * there: the front before the worker has said so. A deployed worker has no secret,
 * and nobody is local. The secret has 256 random bits: comparing them takes no care.
 */
export function isLocal(c: Context<AppEnv>): boolean {
  const { LOCAL_SECRET } = c.env;
  return Boolean(LOCAL_SECRET) && c.req.header(LOCAL_HEADER) === LOCAL_SECRET;
}

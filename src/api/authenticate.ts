import { createMiddleware } from 'hono/factory';
import { database } from '../store/database.ts';
import { ensureTenant, LOCAL_TENANT, type Tenant } from '../store/tenants.ts';
import type { AppEnv } from './context.ts';

/** Made once per isolate: the row never changes. */
let local: Tenant | undefined;

/** Without keys, every request is the local tenant's. */
export const authenticate = createMiddleware<AppEnv>(async function authenticate(c, next) {
  local ??= await ensureTenant(database(c.env), LOCAL_TENANT);
  c.set('tenant', local);
  await next();
});

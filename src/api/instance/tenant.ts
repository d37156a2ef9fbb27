/** /v1/tenant: the caller's own tenant. Another one can't be named. */
import { Hono } from 'hono';
import { deleteTenant, LOCAL_TENANT } from '../../store/tenants.ts';
import type { AppEnv } from '../context.ts';
import { invalid } from '../errors.ts';

export const tenant = new Hono<AppEnv>();

tenant.delete('/', async function removeTenant(c) {
  const { tenant } = c.var;
  if (tenant.name === LOCAL_TENANT) {
    throw invalid(
      [],
      'the tenant of those who call without a key stays: delete its files and stores, or the folder .espalier',
    );
  }
  await deleteTenant(c.env, tenant);
  return c.json({ object: 'tenant.deleted', name: tenant.name, deleted: true });
});

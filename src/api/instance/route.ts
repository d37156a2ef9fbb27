/** The instance itself: its model, its metrics, its document, and the end of a tenant. */
import { Hono } from 'hono';
import { loadModel, type ModelRecord } from '../../model/record.ts';
import { deleteTenant, LOCAL_TENANT } from '../../store/tenants.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound } from '../errors.ts';
import { openApiDocument } from './openapi/document.ts';
import { toModel } from './wire.ts';

export const models = new Hono<AppEnv>();

models.get('/', async function listModels(c) {
  return c.json({ object: 'list', data: [toModel(await loadModel(c.env))] });
});

models.get('/:id{.+}', async function getModel(c) {
  const model = await loadModel(c.env);
  requireModel(model, c.req.param('id'));
  return c.json(toModel(model));
});

/** Throws the 404 that OpenAI gives for a model that isn't served. */
export function requireModel(model: ModelRecord, id: string): void {
  if (id === model.id) return;
  throw notFound(['model'], `"${id}" is not served here: use "${model.id}"`, 'model_not_found');
}

export const metrics = new Hono<AppEnv>();

metrics.get('/', async function exposeMetrics(c) {
  const text = await c.env.METRICS.get(c.env.METRICS.idFromName('all')).expose();
  return c.text(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
});

export const openApi = new Hono<AppEnv>();

openApi.get('/', function describeApi(c) {
  return c.json(openApiDocument());
});

/** The caller's own: another one can't be named. */
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

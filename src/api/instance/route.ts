/** The instance itself: its model, its metrics, its document, and the end of a tenant. */
import { Hono } from 'hono';
import { type Bindings, verifierUrls } from '../../bindings.ts';
import { preparing } from '../../generate/preparing.ts';
import { loadModel, type ModelRecord } from '../../model/record.ts';
import { deleteTenant } from '../../store/delete-tenant.ts';
import { LOCAL_TENANT } from '../../store/tenants.ts';
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
  const object = c.env.METRICS.get(c.env.METRICS.idFromName('all'));
  const text = await object.expose([
    { name: 'espalier_waiting_requests', labels: { reason: 'preparation' }, value: preparing.size },
    ...(await waitingAtVerifiers(c.env)),
  ]);
  return c.text(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
});

/** A verifier that does not say so in time has no part in it. */
const WAITING_TIMEOUT_MS = 1_000;

/** One sum over the verifiers that answer; none where none does. */
async function waitingAtVerifiers(env: Bindings) {
  const signal = AbortSignal.timeout(WAITING_TIMEOUT_MS);
  const asked = verifierUrls(env).map(async (url) => {
    const health = await (await fetch(`${url}/health`, { signal })).json<{ waiting: number }>();
    return Number(health.waiting);
  });
  const told = (await Promise.allSettled(asked)).flatMap((one) =>
    one.status === 'fulfilled' && Number.isFinite(one.value) ? [one.value] : [],
  );
  if (told.length === 0) return [];
  const value = told.reduce((sum, waiting) => sum + waiting, 0);
  return [{ name: 'espalier_waiting_requests' as const, labels: { reason: 'slot' }, value }];
}

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

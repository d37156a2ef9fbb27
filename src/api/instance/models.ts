import { Hono } from 'hono';
import { loadModel, type ModelRecord } from '../../model/record.ts';
import type { AppEnv } from '../context.ts';
import { notFound } from '../errors.ts';
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

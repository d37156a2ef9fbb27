/** /v1/vector_stores/{id}/search */
import { Hono } from 'hono';
import { loadModel } from '../../model/record.ts';
import { search } from '../../retrieve/search.ts';
import { namespaceOf } from '../../store/tenants.ts';
import { readBody } from '../body/read.ts';
import type { AppEnv } from '../context.ts';
import { requireStore } from './route.ts';
import { searchRequest } from './schema.ts';
import { toSearchResults } from './wire.ts';

export const storeSearch = new Hono<AppEnv>();

storeSearch.post('/:store/search', async function searchStore(c) {
  const store = await requireStore(c, c.req.param('store'));
  const body = await readBody(c, searchRequest);
  const queries = typeof body.query === 'string' ? [body.query] : body.query;
  const namespace = await namespaceOf(c.var.tenant, (await loadModel(c.env)).fingerprint);
  const text = queries.join(' ');
  const passages = await search(c.env, namespace, [store.id], text, body.max_num_results, {
    filter: body.filters ?? undefined,
    method: body.ranking_options.method,
    diversity: body.ranking_options.diversity,
    scoreThreshold: body.ranking_options.score_threshold,
  });
  return c.json(toSearchResults(queries, passages));
});

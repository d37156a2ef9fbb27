/** /v1/vector_stores/{id}/search */
import { Hono } from 'hono';
import * as v from 'valibot';
import { MAX_RESULTS, search } from '../retrieve/search.ts';
import { loadModel } from '../store/model.ts';
import { namespaceOf } from '../store/tenants.ts';
import { readBody } from './body.ts';
import type { AppEnv } from './context.ts';
import { requireStore } from './vector-stores.ts';

const DEFAULT_RESULTS = 10;
const MAX_QUERY = 4_096;

const query = v.pipe(v.string(), v.maxLength(MAX_QUERY, `at most ${MAX_QUERY} characters`));

const searchBody = v.object({
  query: v.union([query, v.pipe(v.array(query), v.minLength(1), v.maxLength(8))]),
  max_num_results: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1, `must be 1 to ${MAX_RESULTS}`),
      v.maxValue(MAX_RESULTS, `must be 1 to ${MAX_RESULTS}`),
    ),
    DEFAULT_RESULTS,
  ),
});

export const storeSearch = new Hono<AppEnv>();

storeSearch.post('/:store/search', async function searchStore(c) {
  const store = await requireStore(c, c.req.param('store'));
  const body = await readBody(c, searchBody);
  const queries = typeof body.query === 'string' ? [body.query] : body.query;
  const namespace = await namespaceOf(c.var.tenant, (await loadModel(c.env)).fingerprint);
  const passages = await search(
    c.env,
    namespace,
    [store.id],
    queries.join(' '),
    body.max_num_results,
  );
  return c.json({
    object: 'vector_store.search_results.page',
    search_query: queries,
    data: passages.map((passage) => ({
      file_id: passage.fileId,
      filename: passage.fileName,
      score: passage.score,
      attributes: {},
      content: [
        {
          type: 'text',
          text: passage.text,
          title: passage.title,
          heading: passage.heading,
          start: passage.start,
          end: passage.end,
        },
      ],
    })),
    has_more: false,
    next_page: null,
  });
});

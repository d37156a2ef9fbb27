/** /v1/vector_stores/{id}/search */
import { Hono } from 'hono';
import * as v from 'valibot';
import { loadModel } from '../../model/record.ts';
import { countConditions, MAX_CONDITIONS } from '../../retrieve/filter.ts';
import { search } from '../../retrieve/search.ts';
import { namespaceOf } from '../../store/tenants.ts';
import { readBody } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { invalid } from '../errors.ts';
import type { SearchResults } from '../openapi/vector-stores.ts';
import { requireStore } from './route.ts';
import { filters, maxResults, rankingOptions, TOO_MANY_CONDITIONS } from './search-options.ts';

const DEFAULT_RESULTS = 10;
const MAX_QUERY = 4_096;
const MAX_QUERIES = 8;
const query = v.pipe(v.string(), v.maxLength(MAX_QUERY, `at most ${MAX_QUERY} characters`));

export const searchBody = v.strictObject({
  query: v.union(
    [query, v.pipe(v.array(query), v.minLength(1), v.maxLength(MAX_QUERIES))],
    `must be a text or 1 to ${MAX_QUERIES} of them, of at most ${MAX_QUERY} characters`,
  ),
  max_num_results: v.optional(maxResults, DEFAULT_RESULTS),
  filters: v.nullish(filters),
  ranking_options: v.optional(rankingOptions, {}),
  rewrite_query: v.optional(v.literal(false, 'rewriting is not supported: leave it out')),
});

export const storeSearch = new Hono<AppEnv>();

storeSearch.post('/:store/search', async function searchStore(c) {
  const store = await requireStore(c, c.req.param('store'));
  const body = await readBody(c, searchBody);
  const queries = typeof body.query === 'string' ? [body.query] : body.query;
  if (body.filters && countConditions(body.filters) > MAX_CONDITIONS) {
    throw invalid('filters', `filters: ${TOO_MANY_CONDITIONS}`);
  }
  const namespace = await namespaceOf(c.var.tenant, (await loadModel(c.env)).fingerprint);
  const text = queries.join(' ');
  const passages = await search(c.env, namespace, [store.id], text, body.max_num_results, {
    filter: body.filters ?? undefined,
    method: body.ranking_options.method,
    diversity: body.ranking_options.diversity,
    scoreThreshold: body.ranking_options.score_threshold,
  });
  return c.json<SearchResults>({
    object: 'vector_store.search_results.page',
    search_query: queries,
    data: passages.map((passage) => ({
      file_id: passage.fileId,
      filename: passage.fileName,
      score: passage.score,
      attributes: passage.attributes ?? {},
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

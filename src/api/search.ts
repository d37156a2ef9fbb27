/** /v1/vector_stores/{id}/search */
import { Hono } from 'hono';
import * as v from 'valibot';
import { type AttributeFilter, countConditions, MAX_CONDITIONS } from '../retrieve/filter.ts';
import { MAX_RESULTS, SEARCH_METHODS, search } from '../retrieve/search.ts';
import { loadModel } from '../store/model.ts';
import { namespaceOf } from '../store/tenants.ts';
import { readBody } from './body.ts';
import type { AppEnv } from './context.ts';
import { invalid } from './errors.ts';
import { requireStore } from './vector-stores.ts';

const DEFAULT_RESULTS = 10;
const MAX_QUERY = 4_096;
const MAX_QUERIES = 8;
const MAX_LISTED_VALUES = 100;
const MAX_FILTER_DEPTH = 4;

const TOO_DEEP = `must be a comparison: groups nest at most ${MAX_FILTER_DEPTH} deep`;
const TOO_MANY_CONDITIONS = `at most ${MAX_CONDITIONS} conditions, groups included`;

const query = v.pipe(v.string(), v.maxLength(MAX_QUERY, `at most ${MAX_QUERY} characters`));

const fraction = v.pipe(
  v.number(),
  v.minValue(0, 'must be 0 to 1'),
  v.maxValue(1, 'must be 0 to 1'),
);
const scalar = v.union(
  [v.string(), v.number(), v.boolean()],
  'must be a string, number or boolean',
);

const condition = [
  v.strictObject({
    type: v.picklist(['eq', 'ne', 'gt', 'gte', 'lt', 'lte']),
    key: v.string(),
    value: scalar,
  }),
  v.strictObject({
    type: v.picklist(['in', 'nin']),
    key: v.string(),
    value: v.pipe(
      v.array(scalar),
      v.maxLength(MAX_LISTED_VALUES, `at most ${MAX_LISTED_VALUES} values`),
    ),
  }),
] as const;

/** Unrolled to the depth it may have: a recursive schema would follow a body to any. */
function filterOfDepth(depth: number): v.GenericSchema<unknown, AttributeFilter> {
  if (depth === 1) return v.variant('type', condition, TOO_DEEP);
  const group = v.strictObject({
    type: v.picklist(['and', 'or']),
    filters: v.pipe(
      v.array(filterOfDepth(depth - 1)),
      v.maxLength(MAX_CONDITIONS, TOO_MANY_CONDITIONS),
    ),
  });
  return v.variant('type', [...condition, group]);
}

const searchBody = v.strictObject({
  query: v.union(
    [query, v.pipe(v.array(query), v.minLength(1), v.maxLength(MAX_QUERIES))],
    `must be a text or 1 to ${MAX_QUERIES} of them, of at most ${MAX_QUERY} characters`,
  ),
  max_num_results: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1, `must be 1 to ${MAX_RESULTS}`),
      v.maxValue(MAX_RESULTS, `must be 1 to ${MAX_RESULTS}`),
    ),
    DEFAULT_RESULTS,
  ),
  filters: v.nullish(filterOfDepth(MAX_FILTER_DEPTH)),
  ranking_options: v.optional(
    v.strictObject({
      ranker: v.optional(v.picklist(['auto', 'none', 'default-2024-11-15'])),
      score_threshold: v.optional(fraction),
      /** Ours: what ranks, for comparison. */
      method: v.optional(v.picklist(SEARCH_METHODS, `must be one of ${SEARCH_METHODS.join(', ')}`)),
      /** Ours: 0 to 1, how much likeness to better results counts against one. */
      diversity: v.optional(fraction),
    }),
    {},
  ),
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
  return c.json({
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

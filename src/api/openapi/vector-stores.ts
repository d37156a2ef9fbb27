/** Stores and searches, told to those who call them. */
import * as v from 'valibot';
import { pageQuery } from '../page.ts';
import { createBody, updateBody } from '../vector-stores/route.ts';
import { searchBody } from '../vector-stores/search.ts';
import { filters, rankingOptions } from '../vector-stores/search-options.ts';
import { json, type Resource } from './operation.ts';
import { count, deleted, page, seconds } from './shared.ts';

export const fileCounts = v.object({
  in_progress: count,
  completed: count,
  failed: count,
  cancelled: count,
  total: count,
});

const vectorStore = v.object({
  id: v.string(),
  object: v.literal('vector_store'),
  created_at: seconds,
  name: v.string(),
  description: v.nullable(v.string()),
  usage_bytes: count,
  file_counts: fileCounts,
  status: v.picklist(['expired', 'in_progress', 'completed']),
  expires_after: v.nullable(v.object({ anchor: v.literal('last_active_at'), days: count })),
  expires_at: v.nullable(seconds),
  last_active_at: seconds,
  metadata: v.nullable(v.record(v.string(), v.string())),
});
export type VectorStoreObject = v.InferOutput<typeof vectorStore>;

const searchResults = v.object({
  object: v.literal('vector_store.search_results.page'),
  search_query: v.array(v.string()),
  data: v.array(
    v.object({
      file_id: v.string(),
      filename: v.string(),
      score: v.number(),
      attributes: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
      content: v.array(
        v.object({
          type: v.literal('text'),
          text: v.string(),
          title: v.string(),
          heading: v.string(),
          start: count,
          end: count,
        }),
      ),
    }),
  ),
  has_more: v.literal(false),
  next_page: v.null(),
});
export type SearchResults = v.InferOutput<typeof searchResults>;

const storeList = page(vectorStore);
const storeDeleted = deleted('vector_store.deleted');
const tag = 'Vector stores';
const scopes = ['ingest'] as const;

export const vectorStoresResource: Resource = {
  components: {
    VectorStoreCreation: { schema: createBody },
    VectorStoreChange: { schema: updateBody },
    VectorStore: { schema: vectorStore },
    VectorStoreList: { schema: storeList },
    VectorStoreDeleted: { schema: storeDeleted },
    FileCounts: { schema: fileCounts },
    Search: {
      schema: searchBody,
      notes: {
        query: 'A text, or several that are searched as one.',
        filters: 'What the attributes of a passage’s file must be.',
        ranking_options: 'How passages are ranked, and which are left out.',
        rewrite_query: 'Queries are not rewritten.',
      },
    },
    Filter: { schema: filters },
    RankingOptions: {
      schema: rankingOptions,
      notes: {
        ranker: 'Taken and not used.',
        score_threshold: 'Leaves out what scores less. The best passage has 1.',
        method: '`bm25` unless something else is asked for.',
        diversity: 'How much likeness to better results counts against a passage.',
      },
    },
    SearchResults: { schema: searchResults },
  },
  operations: [
    {
      method: 'post',
      path: '/v1/vector_stores',
      id: 'createVectorStore',
      tag,
      summary: 'Creates a store',
      scopes,
      body: createBody,
      answers: json(vectorStore),
    },
    {
      method: 'get',
      path: '/v1/vector_stores',
      id: 'listVectorStores',
      tag,
      summary: 'Lists the stores',
      scopes,
      query: pageQuery,
      answers: json(storeList),
    },
    {
      method: 'get',
      path: '/v1/vector_stores/{store}',
      id: 'getVectorStore',
      tag,
      summary: 'Gets a store',
      scopes,
      answers: json(vectorStore),
    },
    {
      method: 'post',
      path: '/v1/vector_stores/{store}',
      id: 'modifyVectorStore',
      tag,
      summary: 'Changes a store',
      scopes,
      body: updateBody,
      answers: json(vectorStore),
    },
    {
      method: 'delete',
      path: '/v1/vector_stores/{store}',
      id: 'deleteVectorStore',
      tag,
      summary: 'Deletes a store; its files stay',
      scopes,
      answers: json(storeDeleted),
    },
    {
      method: 'post',
      path: '/v1/vector_stores/{store}/search',
      id: 'searchVectorStore',
      tag,
      summary: 'Finds passages',
      scopes: ['chat', 'ingest'],
      body: searchBody,
      answers: json(searchResults),
      needsVerifier: true,
    },
  ],
};

/** The tool `file_search` of a chat request: which stores to answer from, and how. */
import * as v from 'valibot';
import { quotesIn } from '../../generate/citations.ts';
import type { Citable } from '../../generate/material.ts';
import type { SearchOptions } from '../../retrieve/search.ts';
import { filters, maxResults, rankingOptions } from '../vector-stores/search-options.ts';

/** Stores that one request may be answered from. */
const MAX_STORES = 16;

export const storeIds = v.pipe(
  v.array(v.string('must be a string'), 'must be a list of stores’ ids'),
  v.maxLength(MAX_STORES, `must have at most ${MAX_STORES} stores`),
);

export const answeringStores = v.pipe(
  v.nullish(storeIds),
  v.description('Stores to answer from; `[]` for none. The store called `demo` if left out.'),
);

export const fileSearch = v.strictObject({
  type: v.literal('file_search'),
  vector_store_ids: storeIds,
  max_num_results: v.optional(maxResults),
  filters: v.nullish(filters),
  ranking_options: v.optional(rankingOptions, {}),
});

export type FileSearch = v.InferOutput<typeof fileSearch>;

/** What the tool asks of the search; nothing without one. */
export function searchOptionsOf(
  tool: FileSearch | undefined,
): SearchOptions & { limit?: number | undefined } {
  if (!tool) return {};
  return {
    limit: tool.max_num_results,
    filter: tool.filters ?? undefined,
    method: tool.ranking_options.method,
    diversity: tool.ranking_options.diversity,
    scoreThreshold: tool.ranking_options.score_threshold,
  };
}

/** A citation for each passage that the answer quotes: where it is in the file, where the quote ends. */
export function annotationsOf(content: string, passages: readonly Citable[]) {
  return quotesIn(content, passages).map(({ passage, end }) => ({
    type: 'file_citation',
    index: end,
    file_id: passage.fileId,
    filename: passage.fileName,
    title: passage.title,
    heading: passage.heading,
    start: passage.start,
    end: passage.end,
  }));
}

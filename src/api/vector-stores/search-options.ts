/** How to search, as a search and the tool `file_search` both say it. */
import * as v from 'valibot';
import { MAX_RESULTS, SEARCH_METHODS } from '../../retrieve/search.ts';
import {
  type AttributeFilter,
  countConditions,
  MAX_CONDITIONS,
} from '../../store/attribute-filter.ts';

const MAX_LISTED_VALUES = 100;
const MAX_FILTER_DEPTH = 4;

const TOO_DEEP = `must be a comparison: groups nest at most ${MAX_FILTER_DEPTH} deep`;
const TOO_MANY_CONDITIONS = `at most ${MAX_CONDITIONS} conditions, groups included`;

const fraction = v.pipe(
  v.number(),
  v.minValue(0, 'must be 0 to 1'),
  v.maxValue(1, 'must be 0 to 1'),
);
/** JSON's 1e400 is read as infinity, which the database would keep as null. */
export const finite = v.pipe(v.number(), v.finite('must be a finite number'));
const scalar = v.union([v.string(), finite, v.boolean()], 'must be a string, number or boolean');

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

export const filters = v.pipe(
  filterOfDepth(MAX_FILTER_DEPTH),
  v.check((filter) => countConditions(filter) <= MAX_CONDITIONS, TOO_MANY_CONDITIONS),
  v.title('Filter'),
);

export const maxResults = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1, `must be 1 to ${MAX_RESULTS}`),
  v.maxValue(MAX_RESULTS, `must be 1 to ${MAX_RESULTS}`),
);

export const rankingOptions = v.pipe(
  v.strictObject({
    ranker: v.pipe(
      v.optional(v.picklist(['auto', 'none', 'default-2024-11-15'])),
      v.description('Accepted and not used.'),
    ),
    score_threshold: v.pipe(
      v.optional(fraction),
      v.description('Leaves out passages with a lower score. The best passage has 1.'),
    ),
    method: v.pipe(
      v.optional(
        v.picklist(SEARCH_METHODS, `must be one of ${SEARCH_METHODS.join(', ')}`),
        SEARCH_METHODS[0],
      ),
      v.description('What ranks: words and meaning together, or one of them for comparison.'),
    ),
    hybrid_search: v.pipe(
      v.nullish(v.never('is not supported: send method')),
      v.description('Not supported: send `method`.'),
    ),
    diversity: v.pipe(
      v.optional(fraction),
      v.description(
        'How much likeness to better results [counts against a passage](#how-do-i-get-varied-results).',
      ),
    ),
  }),
  v.title('RankingOptions'),
);

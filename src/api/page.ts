/** Lists as OpenAI has them, a page at a time. */
import * as v from 'valibot';
import { type Page, UnknownCursor } from '../store/page.ts';
import { notFound } from './errors.ts';

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

export const pageQuery = v.object({
  limit: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.toNumber('must be a number'),
        v.integer('must be a whole number'),
        v.minValue(1, `must be 1 to ${MAX_PAGE}`),
        v.maxValue(MAX_PAGE, `must be 1 to ${MAX_PAGE}`),
      ),
      String(DEFAULT_PAGE),
    ),
    v.description('The most items of a page.'),
  ),
  order: v.pipe(
    v.optional(v.picklist(['asc', 'desc'], 'must be "asc" or "desc"'), 'desc'),
    v.description('By the time of creation.'),
  ),
  after: v.pipe(
    v.optional(v.string()),
    v.description('Only items that follow the one with this id.'),
  ),
  before: v.pipe(
    v.optional(v.string()),
    v.description('Only items that come before the one with this id.'),
  ),
});

/** The list object of a page. Throws the `ApiFailure` of a cursor that names nothing. */
export async function listPage<Row, Item extends { id: string }>(
  page: Promise<Page<Row>>,
  toItem: (row: Row) => Item,
) {
  const { rows, hasMore } = await page.catch((error: unknown) => {
    if (!(error instanceof UnknownCursor)) throw error;
    throw notFound([error.end], `nothing in this list has the id "${error.id}"`);
  });
  const data = rows.map(toItem);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

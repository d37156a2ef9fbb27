/** Cursor pagination as OpenAI's lists have it, over rows ordered by (created_at, id). */
import { and, asc, desc, eq, gt, lt, or, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

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

export type PageQuery = v.InferOutput<typeof pageQuery>;

export interface Cursor {
  createdAt: number;
  id: string;
}

/** The condition that keeps what follows `after`, or precedes `before`, in the page's order. */
export function beyond(
  createdAt: SQLiteColumn,
  id: SQLiteColumn,
  cursor: Cursor | undefined,
  towards: 'after' | 'before',
  order: 'asc' | 'desc',
): SQL | undefined {
  if (!cursor) return undefined;
  const compare = (order === 'asc') === (towards === 'after') ? gt : lt;
  return or(
    compare(createdAt, cursor.createdAt),
    and(eq(createdAt, cursor.createdAt), compare(id, cursor.id)),
  );
}

export function ordering(createdAt: SQLiteColumn, id: SQLiteColumn, order: 'asc' | 'desc'): SQL[] {
  const direct = order === 'asc' ? asc : desc;
  return [direct(createdAt), direct(id)];
}

/** A list object from `limit + 1` rows: the one too many says that there are more. */
export function toPage<Item extends { id: string }>(items: Item[], limit: number) {
  const data = items.slice(0, limit);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data[data.length - 1]?.id ?? null,
    has_more: items.length > limit,
  };
}

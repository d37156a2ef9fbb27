/** Pages of lists: rows in the order of their creation, from one id on. */
import { and, asc, desc, eq, gt, lt, or, type SQL } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Bindings } from '../bindings.ts';
import { database } from './database.ts';

/** What a client asks for. */
export interface PageQuery {
  /** Rows of the page. */
  limit: number;
  order: 'asc' | 'desc';
  /** Ids: only rows that follow the one, or precede the other, in the page's order. */
  after?: string | undefined;
  before?: string | undefined;
}

export interface Page<Row> {
  rows: Row[];
  hasMore: boolean;
}

/** `after` or `before` names no row of the list. */
export class UnknownCursor extends Error {
  override readonly name = 'UnknownCursor';
  readonly end: 'after' | 'before';
  readonly id: string;

  constructor(end: 'after' | 'before', id: string) {
    super(`${end}: no row has the id "${id}"`);
    this.end = end;
    this.id = id;
  }
}

/** A table whose rows have an id and a time of creation, and the rows of it that make the list. */
export interface PagedTable<Table extends SQLiteTable> {
  table: Table;
  id: SQLiteColumn;
  createdAt: SQLiteColumn;
  /** Whose rows they are: a cursor must be one of them too. */
  owned: SQL | undefined;
  /** Those of them that are asked for. A cursor need not be one. */
  wanted?: SQL | undefined;
}

/** @throws UnknownCursor */
export async function page<Table extends SQLiteTable>(
  env: Pick<Bindings, 'DB'>,
  { table, id, createdAt, owned, wanted }: PagedTable<Table>,
  { limit, order, after, before }: PageQuery,
): Promise<Page<Table['$inferSelect']>> {
  const db = database(env);

  async function beyond(end: 'after' | 'before', cursor: string | undefined) {
    if (cursor === undefined) return undefined;
    const [row] = await db
      .select({ at: createdAt })
      .from(table as SQLiteTable)
      .where(and(owned, eq(id, cursor)));
    if (!row) throw new UnknownCursor(end, cursor);
    const compare = (order === 'asc') === (end === 'after') ? gt : lt;
    return or(compare(createdAt, row.at), and(eq(createdAt, row.at), compare(id, cursor)));
  }

  const [follows, precedes] = await Promise.all([beyond('after', after), beyond('before', before)]);
  const direct = order === 'asc' ? asc : desc;
  // One row too many says that there are more.
  const rows = await db
    .select()
    .from(table as SQLiteTable)
    .where(and(owned, wanted, follows, precedes))
    .orderBy(direct(createdAt), direct(id))
    .limit(limit + 1);
  return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
}

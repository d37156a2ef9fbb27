/** docs/storage.md says what the schema has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getTableColumns, getTableName, isTable } from 'drizzle-orm';
import { expect, test } from 'vitest';
import * as schema from '../../src/store/schema.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/storage.md'), 'utf8');

const tables = Object.values(schema).filter((value) => isTable(value));

test('every table has its row, with exactly its columns', () => {
  const documented = new Map(
    [...DOCUMENT.matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$/gm)].map(([, name, columns]) => [
      name,
      [...columns!.replace(/\([^)]*\)/g, '').matchAll(/`(\w+)`/g)].map(([, column]) => column),
    ]),
  );
  const actual = new Map(
    tables.map((table) => [
      getTableName(table),
      Object.values(getTableColumns(table)).map((column) => column.name),
    ]),
  );
  expect(documented).toEqual(actual);
});

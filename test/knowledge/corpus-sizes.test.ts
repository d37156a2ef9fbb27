/** A store's documents are counted by pages, whatever their size. */
import { expect, test } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { DocumentSizes } from '../../src/memory/objects/document-sizes.ts';
import { sizesOf } from '../../src/store/corpus-texts.ts';
import type { CorpusPlace } from '../../src/store/objects/memory.ts';
import { MemoryD1 } from '../support/d1-in-memory.ts';

const TOKENIZER = 'a'.repeat(64);
const PLACE: CorpusPlace = { tenantId: 1, storeId: 'one', tokenizer: TOKENIZER, shard: 0 };

/** A document with so many passages of `tokens` tokens. */
function add(d1: MemoryD1, id: number, passages: number, tokens: number, more: object = {}) {
  const row = { tenant: 1, complete: 1, tokenizer: TOKENIZER, ...more };
  d1.rows(
    `INSERT INTO documents (id, tenant_id, key, text_bytes, complete, tokenizer)
      VALUES (?, ?, ?, ?, ?, ?)`,
    [id, row.tenant, `key ${id}`, 400 * passages, row.complete, row.tokenizer],
  );
  d1.rows(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO chunks (document_id, title, heading, text, start, "end")
      SELECT ?, '', '', 'x', 0, 1 FROM n`,
    [passages, id],
  );
  d1.rows(
    `INSERT INTO chunk_tokens (chunk_id, tokenizer, ids)
      SELECT id, ?, zeroblob(?) FROM chunks WHERE document_id = ?`,
    [row.tokenizer, 4 * tokens, id],
  );
}

test('small ones together, large ones page by page, and those that are not ready are left out', async () => {
  const d1 = new MemoryD1();
  const env = { DB: d1.binding } as Bindings;
  d1.rows("INSERT INTO tenants (id, name) VALUES (1, 'ann'), (2, 'bob')");
  add(d1, 1, 3, 10);
  // Two pages and a passage; exactly two pages.
  add(d1, 2, 2 * 2_048 + 1, 5);
  add(d1, 3, 2 * 2_048, 7);
  add(d1, 4, 1, 2);
  add(d1, 5, 1, 2, { complete: 0 });
  add(d1, 6, 1, 2, { tokenizer: 'b'.repeat(64) });
  add(d1, 7, 1, 2, { tenant: 2 });
  let asked = 0;
  d1.before = () => asked++;
  expect(await sizesOf(env, PLACE, [4, 3, 2, 1, 5, 6, 7])).toEqual([
    { id: 1, tokens: 30 },
    { id: 2, tokens: 5 * (2 * 2_048 + 1) },
    { id: 3, tokens: 7 * 2 * 2_048 },
    { id: 4, tokens: 2 },
  ]);
  // Which they are; the first; three pages, three pages with an empty one; the last.
  expect(asked).toBe(1 + 1 + 3 + 3 + 1);
  expect(await sizesOf(env, PLACE, [])).toEqual([]);
});

test('what was counted is not counted again, and is forgotten when it is not asked for', async () => {
  const d1 = new MemoryD1();
  const env = { DB: d1.binding } as Bindings;
  d1.rows("INSERT INTO tenants (id, name) VALUES (1, 'ann')");
  add(d1, 1, 3, 10);
  add(d1, 2, 2, 5);
  const sizes = new DocumentSizes();
  const both = [
    { id: 1, tokens: 30 },
    { id: 2, tokens: 10 },
  ];
  expect(await sizes.of(env, PLACE, [1, 2])).toEqual(both);
  d1.rows('DELETE FROM chunk_tokens');
  expect(await sizes.of(env, PLACE, [1, 2])).toEqual(both);
  expect(await sizes.of(env, PLACE, [2])).toEqual(both.slice(1));
  // Anew, and nothing is there.
  expect(await sizes.of(env, PLACE, [1, 2])).toEqual(both.slice(1));
});

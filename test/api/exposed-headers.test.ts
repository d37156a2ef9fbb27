/** A header that the code sets of its own is one that pages of other origins may read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { crossOrigin } from '../../src/api/middleware/cors.ts';

/** A call that gives a header a value: its name as it is written, or the constant that has it. */
const SETS = /\.(?:header|set|append)\(\s*(?:'(x-espalier-[\w-]+)'|([A-Z_]+)),/g;

/** Names of the `x-espalier-*` headers that `code` sets. */
function headersSetIn(code: string): string[] {
  return Array.from(code.matchAll(SETS)).flatMap(([, name, constant]) => {
    const named = name ?? new RegExp(`const ${constant} = '(x-espalier-[\\w-]+)'`).exec(code)?.[1];
    return named ? [named] : [];
  });
}

test('every x-espalier header of an answer is exposed', async () => {
  const root = join(import.meta.dirname, '../../src');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts'));
  const names = sources.flatMap((file) => headersSetIn(readFileSync(join(root, file), 'utf8')));
  expect(names).toEqual(expect.arrayContaining(['x-espalier-ignored']));

  const app = new Hono().use(crossOrigin() as never).get('/', (c) => c.text('read'));
  const page = { headers: { origin: 'https://app.example' } };
  const answer = await app.request('/', page, { CORS_ORIGINS: '*' });
  const exposed = answer.headers.get('access-control-expose-headers')?.split(',');
  expect(exposed).toEqual(expect.arrayContaining(names));
});

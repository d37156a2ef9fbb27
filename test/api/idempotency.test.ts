/** A POST repeated with its `idempotency-key` is done once, for its own tenant and scopes only. */
import { beforeAll, expect, test } from 'vitest';
import { createKeys } from '../support/keys.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';
import { executeSql } from '../support/worker.ts';

let service: SharedService;
let ann: string;
let bob: string;
let reader: string;
let eve: string;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  [ann, bob, reader, eve] = (await createKeys(
    service.databases,
    { tenant: 'repeating ann' },
    { tenant: 'repeating bob' },
    { tenant: 'repeating ann', scopes: ['chat'] },
    { tenant: 'repeating eve' },
  )) as [string, string, string, string];
});

async function post(path: string, body: BodyInit, idempotencyKey: string, key = ann) {
  const response = await fetch(`${service.url}${path}`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${key}`, 'idempotency-key': idempotencyKey },
  });
  const answer = await response.json();
  const replayed = response.headers.get('idempotent-replayed') === 'true';
  return { status: response.status, id: answer.id, error: answer.error, replayed };
}

const makeStore = (idempotencyKey: string, key?: string, name = 'orchard') =>
  post('/v1/vector_stores', JSON.stringify({ name }), idempotencyKey, key);

async function countStores(key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${service.url}/v1/vector_stores?limit=100`, { headers });
  return (await response.json()).data.length;
}

test('the same request again gets the first one’s answer', async () => {
  const before = await countStores(ann);
  const first = await makeStore('again');
  expect(first).toMatchObject({ status: 200, replayed: false });
  await expect.poll(() => makeStore('again')).toEqual({ ...first, replayed: true });
  expect(await countStores(ann)).toBe(before + 1);
});

test('an upload is recognised whatever its multipart boundary', async () => {
  const form = () => {
    const fields = new FormData();
    fields.set('purpose', 'assistants');
    fields.set('file', new File(['pears'], 'pears.txt'));
    return fields;
  };
  const first = await post('/v1/files', form(), 'upload');
  expect(first).toMatchObject({ status: 200, replayed: false });
  await expect
    .poll(() => post('/v1/files', form(), 'upload'))
    .toEqual({ ...first, replayed: true });
});

test('of many at once one is done', async () => {
  const before = await countStores(ann);
  const answers = await Promise.all(Array.from({ length: 8 }, () => makeStore('at once')));
  const ids = new Set(answers.filter(({ status }) => status === 200).map(({ id }) => id));
  expect(ids.size).toBe(1);
  for (const { status } of answers) expect([200, 409]).toContain(status);
  expect(await countStores(ann)).toBe(before + 1);
});

test('the key with another body is a mistake, and named as one', async () => {
  await makeStore('reused');
  const other = await makeStore('reused', ann, 'garden');
  expect(other.status).toBe(409);
  expect(other.error.message).toContain('used for another request');
});

test('another tenant’s key of the same name is another key', async () => {
  const [hers, his] = [await makeStore('shared'), await makeStore('shared', bob)];
  expect(his).toMatchObject({ status: 200, replayed: false });
  expect(his.id).not.toBe(hers.id);
});

test('no answer is kept for, or from, a key without the scope', async () => {
  expect((await makeStore('scoped', reader)).status).toBe(403);
  expect(await makeStore('scoped')).toMatchObject({ status: 200, replayed: false });
  expect((await makeStore('scoped', reader)).status).toBe(403);
});

test('an answer is kept for a day', async () => {
  const first = await makeStore('day');
  await expect.poll(() => makeStore('day')).toMatchObject({ replayed: true });
  await executeSql(service.databases, 'UPDATE idempotency SET created_at = created_at - 86401');
  const later = await makeStore('day');
  expect(later).toMatchObject({ status: 200, replayed: false });
  expect(later.id).not.toBe(first.id);
});

test.each(['', 'x'.repeat(256)])('a key of a wrong length is refused: %j', async (key) => {
  const { status, error } = await makeStore(key);
  expect({ status, param: error.param }).toEqual({ status: 400, param: 'idempotency-key' });
});

test('what a tenant’s kept answers take is bounded: its oldest are given up, nobody else’s', async () => {
  const hers = await makeStore('before the flood');
  expect(await makeStore('oldest', eve)).toMatchObject({ status: 200 });
  for (let i = 0; i < 12; i++) expect((await embed(128, `flood ${i}`, eve)).status).toBe(200);
  await expect.poll(() => embed(128, 'flood 11', eve)).toMatchObject({ replayed: true });
  const [kept] = await executeSql<{ rows: number; bytes: number }>(
    service.databases,
    `SELECT count(*) AS rows, sum(length(CAST(response AS BLOB))) AS bytes FROM idempotency
      WHERE tenant_id = (SELECT id FROM tenants WHERE name = 'repeating eve')`,
  );
  expect(kept!.rows).toBeGreaterThan(2);
  expect(kept!.rows).toBeLessThan(8);
  // The quota is of bodies; as they are stored, their quotes are escaped.
  expect(kept!.bytes).toBeLessThan(4_500_000);
  expect(await makeStore('oldest', eve)).toMatchObject({ replayed: false });
  expect(await makeStore('before the flood')).toEqual({ ...hers, replayed: true });
});

test('an answer that is too long is not kept', async () => {
  const first = await embed(256, 'too long', ann);
  expect(first.status).toBe(200);
  // The answer is read to its end before it is found to be too long.
  await expect.poll(() => embed(256, 'too long', ann)).toMatchObject({ status: 200 });
  expect((await embed(256, 'too long', ann)).replayed).toBe(false);
});

/** Some 6 kB of numbers a text. */
function embed(texts: number, idempotencyKey: string, key: string) {
  const input = Array.from({ length: texts }, (_, i) => `pear ${i}`);
  const body = { model: 'espalier-embed-1', input, encoding_format: 'float' };
  return post('/v1/embeddings', JSON.stringify(body), idempotencyKey, key);
}

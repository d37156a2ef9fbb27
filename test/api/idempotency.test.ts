/** A POST repeated with its `idempotency-key` is done once, for its own tenant and scopes only. */
import { beforeAll, expect, test } from 'vitest';
import { createKeys } from '../support/keys.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';
import { executeSql } from '../support/worker.ts';

let service: SharedService;
let ann: string;
let bob: string;
let reader: string;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  [ann, bob, reader] = (await createKeys(
    service.databases,
    { tenant: 'repeating ann' },
    { tenant: 'repeating bob' },
    { tenant: 'repeating ann', scopes: ['chat'] },
  )) as [string, string, string];
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

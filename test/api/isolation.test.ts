/** With two keys, nothing of one tenant is reachable from the other; against the real service. */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { createKeys } from '../support/keys.ts';
import { startService, type TestService } from '../support/service.ts';

const ANN = 'isolated ann';
const BOB = 'isolated bob';
const SECRET = 'The vault opens with seventeen purple herons at midnight.';
const QUESTION = { role: 'user' as const, content: 'How does the vault open?' };

startedOnesAlwaysDraft();
let service: TestService;
let ann: OpenAI;
let bob: OpenAI;
let annsKey: string;
let corasKey: string;
let admin: string;
let store: string;
let file: string;
let batch: string;

const clientWith = (apiKey: string) =>
  new OpenAI({ baseURL: `${service.url}/v1`, apiKey, maxRetries: 0 });

afterAll(() => service?.stop());
beforeAll(async () => {
  service = await startService({ demo: false });
  let bobsKey: string;
  [annsKey, bobsKey, corasKey, admin] = (await createKeys(
    service.worker.databases,
    { tenant: ANN },
    { tenant: BOB },
    { tenant: 'isolated cora' },
    { tenant: 'operator', scopes: ['admin', 'metrics'] },
  )) as [string, string, string, string];
  ann = clientWith(annsKey);
  bob = clientWith(bobsKey);
  store = (await ann.vectorStores.create({ name: 'demo' })).id;
  const made = await ann.vectorStores.fileBatches.uploadAndPoll(store, {
    files: [await toFile(Buffer.from(`# The vault\n\n${SECRET}`), 'vault.md')],
  });
  batch = made.id;
  file = (await ann.vectorStores.files.list(store)).data[0]!.id;
});

interface Traced {
  text: string;
  passages: { text: string }[];
  cached: number;
}

async function ask(client: OpenAI, extension: object = {}): Promise<Traced> {
  const completion = (await client.chat.completions.create({
    model: service.model,
    messages: [QUESTION],
    seed: 7,
    ...{ speculation: { trace: true, stats: true }, ...extension },
  })) as OpenAI.ChatCompletion & { espalier: { passages: { text: string }[] } };
  return {
    text: completion.choices[0]!.message.content!,
    passages: completion.espalier.passages,
    cached: completion.usage!.prompt_tokens_details!.cached_tokens!,
  };
}

describe('ids', () => {
  const missing = { status: 404 };

  test('files', async () => {
    await expect(bob.files.retrieve(file)).rejects.toMatchObject(missing);
    await expect(bob.files.content(file)).rejects.toMatchObject(missing);
    await expect(bob.files.delete(file)).rejects.toMatchObject(missing);
    expect((await bob.files.list()).data).toEqual([]);
    await expect(bob.files.list({ after: file })).rejects.toMatchObject(missing);
    expect((await ann.files.retrieve(file)).filename).toBe('vault.md');
  });

  test('stores', async () => {
    await expect(bob.vectorStores.retrieve(store)).rejects.toMatchObject(missing);
    await expect(bob.vectorStores.update(store, { name: 'x' })).rejects.toMatchObject(missing);
    await expect(bob.vectorStores.delete(store)).rejects.toMatchObject(missing);
    await expect(bob.vectorStores.search(store, { query: 'vault' })).rejects.toMatchObject(missing);
    await expect(bob.vectorStores.list({ after: store })).rejects.toMatchObject(missing);
    expect((await bob.vectorStores.list()).data).toEqual([]);
    expect((await ann.vectorStores.retrieve(store)).name).toBe('demo');
  });

  test('attached files and batches, in the other’s store and in one’s own', async () => {
    const own = (await bob.vectorStores.create({ name: 'own' })).id;
    for (const vector_store_id of [store, own]) {
      const where = { vector_store_id };
      await expect(bob.vectorStores.files.retrieve(file, where)).rejects.toMatchObject(missing);
      await expect(bob.vectorStores.files.content(file, where)).rejects.toMatchObject(missing);
      await expect(bob.vectorStores.files.delete(file, where)).rejects.toMatchObject(missing);
      await expect(
        bob.vectorStores.files.create(vector_store_id, { file_id: file }),
      ).rejects.toMatchObject(missing);
      await expect(
        bob.vectorStores.fileBatches.create(vector_store_id, { file_ids: [file] }),
      ).rejects.toMatchObject(missing);
      await expect(bob.vectorStores.fileBatches.retrieve(batch, where)).rejects.toMatchObject(
        missing,
      );
      await expect(bob.vectorStores.fileBatches.cancel(batch, where)).rejects.toMatchObject(
        missing,
      );
    }
    await bob.vectorStores.delete(own);
    expect((await ann.vectorStores.files.retrieve(file, { vector_store_id: store })).status).toBe(
      'completed',
    );
  });
});

describe('answers', () => {
  test('come from the caller’s own passages, whichever store is named', async () => {
    const hers = await ask(ann, { vector_store_ids: [store] });
    expect(hers.passages.map(({ text }) => text)).toEqual([SECRET]);
    const his = await ask(bob, {});
    expect(his.passages).toEqual([]);
    expect(his.text).not.toContain('purple herons');
    await expect(ask(bob, { vector_store_ids: [store] })).rejects.toMatchObject({ status: 404 });
  });

  test('name no store and no file of another, in whatever field', async () => {
    const search = { type: 'file_search', vector_store_ids: [store] };
    const fields = [{ vector_store_ids: [store] }, { tools: [search] }, { file_ids: [file] }];
    for (const field of fields) {
      await expect(ask(bob, field)).rejects.toMatchObject({ status: 404 });
      expect((await ask(ann, field)).text.length).toBeGreaterThan(0);
    }
    await expect(
      bob.completions.create({
        model: service.model,
        prompt: 'The vault',
        ...{ vector_store_ids: [store] },
      }),
    ).rejects.toMatchObject({ status: 404 });
  });

  test('are drafted from nothing that another said or ingested', async () => {
    const sources = async (client: OpenAI) => {
      const completion = (await client.chat.completions.create({
        model: service.model,
        messages: [QUESTION],
        ...{ speculation: { trace: true } },
      })) as OpenAI.ChatCompletion & { espalier: { tokens: { source: string }[] } };
      return completion.espalier.tokens.map(({ source }) => source);
    };
    // Recycled successors can be her own turn's: test/link/echo.test.ts holds that no namespace sees another's.
    const kept = ['tenant', 'corpus'];
    const isKept = (source: string) => kept.includes(source);
    await expect
      .poll(async () => (await sources(ann)).some(isKept), { timeout: 30_000 })
      .toBe(true);
    // One who has said nothing of her own yet.
    const cora = clientWith(corasKey);
    expect((await sources(cora)).filter(isKept)).toEqual([]);
  });

  test('are not to be had by the ids of requests and answers', async () => {
    const headers = { 'x-request-id': 'vault-request' };
    const body = { model: service.model, messages: [QUESTION] };
    const { data, response } = await ann.chat.completions.create(body, { headers }).withResponse();
    expect(response.headers.get('x-request-id')).toBe('vault-request');
    const again = await bob.chat.completions.create(body, { headers });
    expect(again.id).not.toBe(data.id);
    expect(again.choices[0]!.message.content).not.toContain('purple herons');
    await expect(bob.chat.completions.retrieve(data.id)).rejects.toMatchObject({ status: 404 });
  });

  test('do not reveal by a cached prefix what another has asked', async () => {
    const question = {
      messages: [{ role: 'user', content: 'Is the ladder in the shed?'.repeat(9) }],
    };
    const first = await ask(ann, question);
    const second = await ask(ann, question);
    expect(second.cached).toBeGreaterThan(first.cached);
    expect((await ask(bob, question)).cached).toBe(0);
  });

  test('kept for an idempotency key are replayed to their own tenant only, streams too', async () => {
    async function stream(client: OpenAI) {
      const { response } = await client.chat.completions
        .create(
          { model: service.model, messages: [QUESTION], stream: true },
          { headers: { 'idempotency-key': 'vault' } },
        )
        .withResponse();
      return { text: await response.text(), replayed: response.headers.get('idempotent-replayed') };
    }
    const { text, replayed } = await stream(ann);
    expect(replayed).toBeNull();
    expect(text).toContain('data: [DONE]');
    // Kept once it has been sent: for a moment the key is still in use.
    await expect.poll(() => stream(ann).catch(() => null)).toEqual({ text, replayed: 'true' });
    expect(await stream(bob)).toMatchObject({ replayed: null });
  });

  test('the same text with both keys, for the same passages', async () => {
    const without = { vector_store_ids: [] };
    expect((await ask(bob, without)).text).toBe((await ask(ann, without)).text);
  });
});

test('the same content is another document for each, and deleting one’s own leaves the other’s', async () => {
  const own = (await bob.vectorStores.create({ name: 'own' })).id;
  await bob.vectorStores.fileBatches.uploadAndPoll(own, {
    files: [await toFile(Buffer.from(`# The vault\n\n${SECRET}`), 'vault.md')],
  });
  const [his] = (await bob.vectorStores.files.list(own)).data;
  expect(his!.id).not.toBe(file);
  await bob.files.delete(his!.id);
  expect((await ann.vectorStores.search(store, { query: 'vault' })).data).toHaveLength(1);
});

test('statistics name no tenant, and not everybody reads them', async () => {
  const metrics = (key: string) =>
    fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  expect((await metrics(annsKey)).status).toBe(403);
  const text = await (await metrics(admin)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  expect(value('espalier_generation_tokens_total')).toBeGreaterThan(0);
  const accepted = value('espalier_spec_decode_num_accepted_tokens_total');
  expect(accepted).toBeGreaterThan(0);
  expect(value('espalier_spec_decode_num_draft_tokens_total')).toBeGreaterThanOrEqual(accepted);
  expect(text).toContain('route="/v1/chat/completions"');
  for (const name of [ANN, BOB, store, file]) expect(text).not.toContain(name);
});

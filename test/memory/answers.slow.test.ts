/**
 * What is kept for drafting, through the real service: a question asked again
 * takes fewer steps and says the same, nothing crosses between tenants, what was
 * deleted is never drafted again, a restart loses nothing.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databasesIn } from '../../local/database.ts';
import { freePort } from '../../local/process.ts';
import { type Service, startService } from '../../local/service.ts';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { createKey, createKeys } from '../support/keys.ts';
import { executeSql, migratedState } from '../support/worker.ts';

const TOPICS = ['lantern', 'harbour', 'orchard', 'quarry'];
const QUESTIONS = TOPICS.map((topic) => `What is the ${topic} rule?`);
const document = (topic: string) =>
  `# Rules of the village\n\n## What is the ${topic} rule?\n\nThe ${topic} rule is that whoever ` +
  `meets the ${topic} keeper at the old stone bridge must offer seven silver ${topic} coins and ` +
  `wait until the evening bell before walking on towards the northern ${topic} gate.\n`;

/** Longer than a small segment takes to be built, also on a busy machine. */
const CORPUS_MS = 60_000;
/** Longer than an answer takes to be kept, and counted, after its last byte. */
const SETTLED_MS = 300;

let state: string;
/** By tenant. */
let keys: Record<string, string>;
let service: Service;
let ann: Tenant;
let bob: Tenant;
startedOnesAlwaysDraft();

interface Tenant {
  key: string;
  client: OpenAI;
  store: string;
  files: string[];
}

async function start(): Promise<void> {
  service = await startService({ port: await freePort(), verifierPort: await freePort(), state });
}

const clientOf = (apiKey: string) =>
  new OpenAI({ baseURL: `${service.url}/v1`, apiKey, maxRetries: 0 });

async function newTenant(key: string, documents: string[]): Promise<Tenant> {
  const client = clientOf(key);
  const store = (await client.vectorStores.create({ name: 'demo' })).id;
  return { key, client, store, files: await upload(client, store, documents) };
}

async function upload(client: OpenAI, store: string, documents: string[]): Promise<string[]> {
  const files = await Promise.all(documents.map((text, i) => toFile(Buffer.from(text), `${i}.md`)));
  const batch = await client.vectorStores.fileBatches.uploadAndPoll(store, { files });
  expect(batch.file_counts.completed).toBe(documents.length);
  const attached = await client.vectorStores.files.list(store, { limit: 100 });
  return attached.data.map(({ id }) => id);
}

interface Answers {
  texts: string[];
  steps: number;
  bySource: Record<string, number>;
}

/** All questions, or those given, one after the other. */
async function ask(
  tenant: Tenant,
  temperature: number,
  speculation: object = {},
  questions = QUESTIONS,
  more: object = {},
): Promise<Answers> {
  const answers: Answers = { texts: [], steps: 0, bySource: {} };
  for (const content of questions) {
    const completion = await tenant.client.chat.completions.create({
      model: service.model,
      messages: [{ role: 'user', content }],
      temperature,
      seed: 11,
      max_tokens: 100,
      ...{ speculation: { stats: true, ...speculation }, ...more },
    });
    const { speculation: stats } = completion.usage as unknown as {
      speculation: { steps: number; by_source: Record<string, number> };
    };
    answers.texts.push(completion.choices[0]!.message.content!);
    answers.steps += stats.steps;
    for (const [source, tokens] of Object.entries(stats.by_source)) {
      answers.bySource[source] = (answers.bySource[source] ?? 0) + tokens;
    }
  }
  return answers;
}

/** One question alone: what a tenant said to another one would help it too. */
async function askOne(tenant: Tenant): Promise<Answers> {
  const answers = await ask(tenant, 0, {}, QUESTIONS.slice(0, 1));
  await sleep(SETTLED_MS);
  return answers;
}

/** Tokens that turns have fetched so far: of past answers (`T`) or of the stores' text (`S`). */
async function fetched(store = 'T'): Promise<number> {
  const page = await (await fetch(`${service.url}/metrics`)).text();
  const line = new RegExp(`^espalier_draft_memory_tokens_total\\{store="${store}"\\} (\\d+)$`, 'm');
  return Number(line.exec(page)?.[1] ?? 0);
}

beforeAll(async () => {
  state = await migratedState();
  await start();
  const names = ['ann', 'bob', 'cara', 'dan', 'eve', 'fay'];
  const made = await createKeys(databasesIn(state), ...names.map((tenant) => ({ tenant })));
  keys = Object.fromEntries(names.map((name, i) => [name, made[i]!]));
  ann = await newTenant(keys.ann!, TOPICS.map(document));
  bob = await newTenant(keys.bob!, TOPICS.map(document));
});

afterAll(async () => {
  await service.stop();
  rmSync(state, { recursive: true, force: true });
});

describe.each([0, 0.8])('asked again at temperature %f', (temperature) => {
  test('the answer is the same, in fewer steps, and drafted from the one before', async () => {
    const plain = await ask(ann, temperature, { mode: 'off' });
    const alone = await ask(ann, temperature, { memory: false });
    const first = await ask(ann, temperature);
    const again = await ask(ann, temperature);
    for (const { texts } of [alone, first, again]) expect(texts).toEqual(plain.texts);
    expect(alone.bySource).not.toHaveProperty('tenant');
    expect(again.bySource.tenant).toBeGreaterThan(10);
    expect(again.steps).toBeLessThan(alone.steps);
  });
});

test('another tenant with the same documents and questions has no part in it', async () => {
  const first = await askOne(bob);
  expect(first.texts[0]!.length).toBeGreaterThan(20);
  expect(first.bySource).not.toHaveProperty('tenant');
});

test('after a restart of everything the answers are still there', async () => {
  await service.stop();
  await start();
  ann.client = clientOf(ann.key);
  expect((await ask(ann, 0)).bySource.tenant).toBeGreaterThan(10);
});

test('an answer is kept where the conversation before it is known, and not where it is not', async () => {
  const fay = await newTenant(keys.fay!, TOPICS.map(document));
  const [earlier] = (await askOne(fay)).texts;
  /** Goes on after an answer; how many tokens of past answers that fetched. */
  async function goOn(answer: string): Promise<number> {
    const before = await fetched();
    await ask(fay, 0, {}, QUESTIONS.slice(1, 2), {
      messages: [
        { role: 'user', content: QUESTIONS[0]! },
        { role: 'assistant', content: answer },
        { role: 'user', content: QUESTIONS[1]! },
      ],
    });
    await sleep(SETTLED_MS);
    return (await fetched()) - before;
  }
  const unknown = await goOn(`${earlier} And so on.`);
  expect(unknown).toBeGreaterThan(0);
  expect(await goOn(`${earlier} And so on.`)).toBe(unknown);
  expect(await goOn(earlier!)).toBe(unknown);
  expect(await goOn(earlier!)).toBeGreaterThan(unknown);
});

test('what quoted a deleted file is never drafted again, though the text comes back', async () => {
  expect((await askOne(ann)).bySource.tenant).toBeGreaterThan(0);
  for (const file of ann.files) await ann.client.files.delete(file);
  await upload(ann.client, ann.store, TOPICS.map(document));
  expect((await askOne(ann)).bySource).not.toHaveProperty('tenant');
});

test('what quoted a deleted store is never drafted again, though its files come into another', async () => {
  expect((await askOne(ann)).bySource.tenant).toBeGreaterThan(0);
  await ann.client.vectorStores.delete(ann.store);
  ann.store = (await ann.client.vectorStores.create({ name: 'demo' })).id;
  await upload(ann.client, ann.store, TOPICS.map(document));
  expect((await askOne(ann)).bySource).not.toHaveProperty('tenant');
});

test('what a store says and the prompt does not have is drafted from it', async () => {
  const cara = await newTenant(keys.cara!, [document('beacon')]);
  const inPrompt = {
    type: 'file_search' as const,
    vector_store_ids: [cara.store],
    // Nothing has this: the model answers without a passage.
    filters: { type: 'eq', key: 'of', value: 'the prompt' },
  };
  // The verifier waits for the worker's tree, which on a busy machine is else too late for half of the steps.
  const lockstep = { ablation: { trees: 'lockstep' } };
  const say = (speculation: object, more: object = {}) =>
    ask(cara, 0.8, { ...lockstep, ...speculation }, ['Tell me about the weather.'], {
      tools: [inPrompt],
      ...more,
    });
  const alone = await say({ memory: false });
  const [text] = alone.texts;
  expect(text!.length).toBeGreaterThan(100);
  await upload(cara.client, cara.store, alone.texts);
  // Its segment is built soon after. T drafts from no answer of less than four tokens.
  const quotable = async () => {
    const before = await fetched('S');
    await say({}, { max_tokens: 3 });
    await sleep(SETTLED_MS);
    return (await fetched('S')) - before;
  };
  await expect.poll(quotable, { timeout: CORPUS_MS, interval: 500 }).toBeGreaterThan(0);
  const quoted = await say({});
  expect(quoted.texts).toEqual(alone.texts);
  expect(quoted.bySource).not.toHaveProperty('tenant');
  expect(quoted.bySource.corpus).toBeGreaterThan(10);
  expect(quoted.steps).toBeLessThan(alone.steps);
});

test('a tenant that is deleted leaves nothing to who comes under its name', async () => {
  const eve = await newTenant(keys.eve!, TOPICS.map(document));
  await askOne(eve);
  expect((await askOne(eve)).bySource.tenant).toBeGreaterThan(0);
  const remove = (key: string) =>
    fetch(`${service.url}/v1/tenant`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${key}` },
    });
  expect((await remove(eve.key)).status).toBe(403);
  const admin = await createKey(databasesIn(state), 'eve', { scopes: ['admin'] });
  expect((await remove(admin)).status).toBe(200);
  for (const key of [eve.key, admin]) {
    await expect(clientOf(key).models.list()).rejects.toMatchObject({ status: 401 });
  }
  const next = await newTenant(await createKey(databasesIn(state), 'eve'), TOPICS.map(document));
  expect((await next.client.vectorStores.list()).data).toHaveLength(1);
  expect((await askOne(next)).bySource).not.toHaveProperty('tenant');
});

test('the tenant of those without a key can not be deleted', async () => {
  const response = await fetch(`${service.url}/v1/tenant`, { method: 'DELETE' });
  expect(response.status).toBe(400);
  expect(((await response.json()) as { error: { message: string } }).error.message).toContain(
    'delete its files and stores',
  );
});

test('the memory is in the metrics', async () => {
  const page = await (await fetch(`${service.url}/metrics`)).text();
  expect(page).toMatch(/espalier_draft_memory_asks_total\{store="T",outcome="answered"\} [1-9]/);
  expect(page).toMatch(/espalier_draft_memory_tokens_total\{store="T"\} [1-9]/);
});

test('an answer is the same when its memory fails, which is counted', async () => {
  const before = await ask(ann, 0.8);
  // What every object asks of D1 first.
  const sql = ['tenants RENAME COLUMN purges TO p', 'stores RENAME COLUMN revision TO r'];
  for (const change of sql) {
    await executeSql(databasesIn(state), `ALTER TABLE ${change}`);
  }
  const after = await ask(ann, 0.8);
  expect(after.texts).toEqual(before.texts);
  expect(after.bySource).not.toHaveProperty('tenant');
  const page = await (await fetch(`${service.url}/metrics`)).text();
  expect(page).toMatch(/espalier_draft_memory_asks_total\{store="T",outcome="failed"\} [1-9]/);
});

/** Searching a store: filters, thresholds, diversity, and what is refused; against the real worker. */
import OpenAI, { toFile } from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';
import { executeSql } from '../support/worker.ts';

let service: SharedService;
let client: OpenAI;
let storeId: string;

type Attributes = Record<string, string | number | boolean>;

const FILES: Record<string, { text: string; attributes?: Attributes }> = {
  'apple.md': {
    text: '# Apple\n\nA fruit tree with a red apple.',
    attributes: { fruit: 'apple', year: 2024, wild: true },
  },
  'pear.md': {
    text: '# Pear\n\nA fruit tree with a green pear.',
    attributes: { fruit: 'pear', year: 2025, wild: false },
  },
  'quince.md': {
    text: '# Quince\n\nA fruit tree with a yellow quince.',
    attributes: { fruit: 'quince', year: 'unknown' },
  },
  'oak.md': { text: '# Oak\n\nA tree without fruit worth eating.' },
};

beforeAll(async () => {
  service = await sharedService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
  storeId = await storeOf(FILES);
});

async function storeOf(files: typeof FILES): Promise<string> {
  const store = await client.vectorStores.create({ name: 'orchard' });
  for (const [name, { text, attributes }] of Object.entries(files)) {
    const file = await client.files.create({
      file: await toFile(Buffer.from(text), name),
      purpose: 'assistants',
    });
    const attached = await client.vectorStores.files.createAndPoll(store.id, {
      file_id: file.id,
      ...(attributes && { attributes }),
    });
    expect(attached.status).toBe('completed');
  }
  return store.id;
}

const search = (body: object, id = storeId) => searchText(JSON.stringify(body), id);

async function searchText(body: string, id = storeId) {
  const response = await fetch(`${service.url}/v1/vector_stores/${id}/search`, {
    method: 'POST',
    body,
  });
  const answer = await response.json();
  return { status: response.status, error: answer.error, data: answer.data ?? [] };
}

async function namesFor(filters: unknown): Promise<string[]> {
  const { data, error } = await search({ query: 'fruit tree', filters });
  expect(error).toBeUndefined();
  return data.map((result: { filename: string }) => result.filename.replace('.md', '')).sort();
}

const eq = (key: string, value: unknown) => ({ type: 'eq', key, value });

test.each([
  [eq('fruit', 'pear'), ['pear']],
  [{ type: 'ne', key: 'fruit', value: 'pear' }, ['apple', 'oak', 'quince']],
  [{ type: 'gt', key: 'year', value: 2024 }, ['pear']],
  [{ type: 'gte', key: 'year', value: 2024 }, ['apple', 'pear']],
  [{ type: 'lt', key: 'year', value: 2025 }, ['apple']],
  [{ type: 'lte', key: 'year', value: 2025 }, ['apple', 'pear']],
  [{ type: 'in', key: 'fruit', value: ['pear', 'quince'] }, ['pear', 'quince']],
  [{ type: 'nin', key: 'fruit', value: ['pear', 'quince'] }, ['apple', 'oak']],
  [{ type: 'in', key: 'year', value: ['2024', 2025] }, ['pear']],
  [{ type: 'in', key: 'wild', value: [1, 'true', 'false', 0] }, []],
  [{ type: 'in', key: 'wild', value: [true, 'oak'] }, ['apple']],
  [{ type: 'in', key: 'year', value: [2024.0] }, ['apple']],
  [{ type: 'in', key: 'year', value: [true, '2024'] }, []],
  [{ type: 'in', key: 'fruit', value: [] }, []],
  [{ type: 'nin', key: 'wild', value: [1, 0, 'true'] }, ['apple', 'oak', 'pear', 'quince']],
  [{ type: 'nin', key: 'wild', value: [true] }, ['oak', 'pear', 'quince']],
  [{ type: 'nin', key: 'year', value: ['2024', 'unknown', 2025] }, ['apple', 'oak']],
  [eq('wild', true), ['apple']],
  [eq('wild', 1), []],
  [eq('year', '2024'), []],
  [{ type: 'and', filters: [eq('fruit', 'pear'), eq('year', 2025)] }, ['pear']],
  [{ type: 'and', filters: [eq('fruit', 'pear'), eq('year', 2024)] }, []],
  [{ type: 'or', filters: [eq('fruit', 'pear'), eq('year', 2024)] }, ['apple', 'pear']],
  [{ type: 'or', filters: [] }, []],
  [eq("fruit' OR 1=1 --", 'pear'), []],
  [eq('fruit', "pear' OR '1'='1"), []],
])('%j finds %j', async (filters, expected) => {
  expect(await namesFor(filters)).toEqual(expected);
});

test('changed attributes count from the next search on', async () => {
  const id = await storeOf({ 'plum.md': { text: 'plum', attributes: { ripe: false } } });
  const body = { query: 'plum', filters: eq('ripe', true) };
  expect((await search(body, id)).data).toEqual([]);
  const [file] = (await client.vectorStores.files.list(id)).data;
  await client.vectorStores.files.update(file!.id, {
    vector_store_id: id,
    attributes: { ripe: true },
  });
  expect((await search(body, id)).data).toMatchObject([{ attributes: { ripe: true } }]);
});

test('scores fall from 1, and a threshold leaves out what is below it', async () => {
  const query = 'a yellow quince or a green fruit';
  const { data } = await search({ query });
  const scores: number[] = data.map((result: { score: number }) => result.score);
  expect(scores[0]).toBe(1);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expect(scores).toHaveLength(4);
  const threshold = (scores[1]! + scores[2]!) / 2;
  const { data: good } = await search({ query, ranking_options: { score_threshold: threshold } });
  expect(good).toEqual(data.slice(0, 2));
});

test('diversity brings another text before a copy of the first one', async () => {
  const id = await storeOf({
    'a.md': { text: '# Cherry\n\nCherry trees blossom white in April.' },
    'b.md': { text: '# Cherry\n\nCherry trees blossom white in April too.' },
    'c.md': { text: '# Shop\n\nWe sell a cherry cake on Sundays only, come early.' },
  });
  const found = async (diversity: number) => {
    const ranking_options = { diversity };
    const query = 'when do cherry trees blossom';
    const { data } = await search({ query, max_num_results: 2, ranking_options }, id);
    return data.map((result: { filename: string }) => result.filename);
  };
  expect(await found(0)).toEqual(['a.md', 'b.md']);
  expect(await found(0.7)).toEqual(['a.md', 'c.md']);
});

test('an expired store finds nothing, and searching keeps one from expiring', async () => {
  const id = await storeOf({ 'fig.md': { text: 'fig' } });
  await client.vectorStores.update(id, {
    expires_after: { anchor: 'last_active_at', days: 1 },
  });
  const idleFor = (hours: number) =>
    executeSql(
      service.databases,
      `UPDATE stores SET last_active_at = unixepoch() - ${hours * 3600} WHERE id = '${id}'`,
    );

  await idleFor(23);
  expect((await search({ query: 'fig' }, id)).data).toHaveLength(1);
  const { last_active_at } = await client.vectorStores.retrieve(id);
  expect(Date.now() / 1000 - last_active_at!).toBeLessThan(3600);

  await idleFor(25);
  expect((await search({ query: 'fig' }, id)).data).toEqual([]);
  expect((await client.vectorStores.retrieve(id)).status).toBe('expired');
});

function nested(depth: number): object {
  let filter: object = eq('fruit', 'pear');
  for (let i = 1; i < depth; i++) filter = { type: 'and', filters: [filter] };
  return filter;
}

test('a body nested without end is refused, not followed', async () => {
  const depth = 50_000;
  const filters = `${'{"type":"and","filters":['.repeat(depth)}${']}'.repeat(depth)}`;
  const { status, error } = await searchText(`{"query":"pear","filters":${filters}}`);
  expect({ status, param: error.param }).toMatchObject({
    status: 400,
    param: 'filters.filters.0.filters.0.filters.0.type',
  });
});

test('groups nest four deep', async () => {
  expect(await namesFor(nested(4))).toEqual(['pear']);
});

const many = (n: number) => ({ type: 'or', filters: Array(n).fill(eq('fruit', 'pear')) });

test.each([
  ['filters nested too deep', { filters: nested(5) }, 'filters.'],
  ['too many conditions', { filters: many(20) }, 'filters'],
  ['too many in one group', { filters: many(5_000) }, 'filters.filters'],
  ['an unknown comparison', { filters: { type: 'like', key: 'a', value: 'b' } }, 'filters.type'],
  ['a list to equal', { filters: eq('fruit', ['pear']) }, 'filters.value'],
  [
    'too long a list',
    { filters: { type: 'in', key: 'a', value: Array(101).fill(1) } },
    'filters.value',
  ],
  [
    'a threshold above 1',
    { ranking_options: { score_threshold: 2 } },
    'ranking_options.score_threshold',
  ],
  ['negative diversity', { ranking_options: { diversity: -1 } }, 'ranking_options.diversity'],
  ['no results', { max_num_results: 0 }, 'max_num_results'],
  ['too many results', { max_num_results: 51 }, 'max_num_results'],
  ['too many queries', { query: Array(9).fill('pear') }, 'query'],
  ['too long a query', { query: 'x'.repeat(4_097) }, 'query'],
  ['a rewritten query', { rewrite_query: true }, 'rewrite_query'],
  ['an unknown field', { top_k: 3 }, 'top_k'],
])('%s: refused by name', async (_, fields, param) => {
  const { status, error } = await search({ query: 'pear', ...fields });
  expect(status).toBe(400);
  expect(error.type).toBe('invalid_request_error');
  expect(error.param).toContain(param);
  expect(error.message).toContain(error.param);
  expect(error.message.length).toBeLessThan(300);
});

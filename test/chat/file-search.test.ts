/** The tool file_search and citations, through the real service. */
import OpenAI, { toFile } from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { quotesIn } from '../../src/generate/citations.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

let service: SharedService;
let client: OpenAI;
let store: string;

const PEAR =
  'The espaliered pear is pruned twice a year, in July and again in the depth of winter.';
const APPLE =
  'The cordon apple is planted at an angle, tied to wires, and fed with bone meal in spring.';

beforeAll(async () => {
  service = await sharedService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
  store = (await client.vectorStores.create({ name: 'orchard' })).id;
  for (const [name, text] of [
    ['pear.md', `# Orchard\n\n## How is a pear pruned?\n\n${PEAR}\n`],
    ['apple.md', `# Orchard\n\n## How is an apple planted?\n\n${APPLE}\n`],
  ] as const) {
    const file = await client.files.create({
      file: await toFile(Buffer.from(text), name),
      purpose: 'assistants',
    });
    const attributes = { tree: name.replace('.md', '') };
    await client.vectorStores.files.createAndPoll(store, { file_id: file.id, attributes });
  }
});

interface Citation {
  type: string;
  index: number;
  filename: string;
  heading: string;
  start: number;
  end: number;
}

async function ask(tool: object, more: object = {}) {
  const response = await fetch(`${service.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'How is a pear pruned?' }],
      tools: [{ type: 'file_search', ...tool }],
      max_tokens: 60,
      seed: 1,
      speculation: { trace: true },
      ...more,
    }),
  });
  return { status: response.status, body: await response.json() };
}

test('the answer cites what it quotes, with its place in the file', async () => {
  const { status, body } = await ask({ vector_store_ids: [store] });
  expect(status).toBe(200);
  const { content, annotations } = body.choices[0].message;
  const [passage] = body.espalier.passages;
  expect(content).toContain('pruned twice a year');
  expect(annotations).toContainEqual({
    type: 'file_citation',
    index: expect.any(Number),
    file_id: passage.file_id,
    filename: 'pear.md',
    title: 'Orchard',
    heading: expect.stringContaining('pear'),
    start: passage.start,
    end: passage.end,
  });
  const text = `# Orchard\n\n## How is a pear pruned?\n\n${PEAR}\n`;
  expect(text.slice(passage.start, passage.end)).toBe(PEAR);
});

test('a stream says the same in its last chunk', async () => {
  const whole = await ask({ vector_store_ids: [store] });
  const response = await fetch(`${service.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'How is a pear pruned?' }],
      tools: [{ type: 'file_search', vector_store_ids: [store] }],
      max_tokens: 60,
      seed: 1,
      stream: true,
    }),
  });
  const events = (await response.text()).split('\n\n').filter((line) => line.startsWith('data: {'));
  const chunks = events.map((line) => JSON.parse(line.slice(6)).choices[0]);
  const last = chunks.find(({ finish_reason }) => finish_reason !== null);
  expect(last.delta.annotations).toEqual(whole.body.choices[0].message.annotations);
  expect(chunks.filter(({ delta }) => delta.annotations)).toHaveLength(1);
});

test('filters and the number of results bound what the answer is made from', async () => {
  const both = { messages: [{ role: 'user', content: 'Pruned twice a year, in which orchard?' }] };
  const names = async (tool: object) =>
    (await ask({ vector_store_ids: [store], ...tool }, both)).body.espalier.passages.map(
      ({ filename }: Citation) => filename,
    );
  const apple = { type: 'eq', key: 'tree', value: 'apple' };
  expect((await names({})).sort()).toEqual(['apple.md', 'pear.md']);
  expect(await names({ filters: apple })).toEqual(['apple.md']);
  expect(await names({ max_num_results: 1 })).toEqual(['pear.md']);
  expect(await names({ ranking_options: { score_threshold: 1 } })).toEqual(['pear.md']);
});

test.each([
  [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'tool_choice'],
  [{ tools: [{ type: 'file_search' }] }, 'tools.0.vector_store_ids'],
  [{ vector_store_ids: [] }, 'vector_store_ids'],
  [{ tools: Array(2).fill({ type: 'file_search', vector_store_ids: [] }) }, 'tools'],
])('refused by name: %j', async (more, param) => {
  const { status, body } = await ask({ vector_store_ids: [store] }, more);
  expect(status).toBe(400);
  expect(body.error.param).toContain(param);
});

test('a store that is not the tenant’s is a 404 that names where', async () => {
  const { status, body } = await ask({ vector_store_ids: ['vs_nobody'] });
  expect([status, body.error.param]).toEqual([404, 'tools.0.vector_store_ids']);
});

test('a quote is six words in a row, whatever is between them', () => {
  const passages = [
    { text: 'One two **three** four\nfive six seven.' },
    { text: 'One two three.' },
  ];
  const [quote, ...others] = quotesIn(
    'He said: two three four, five six SEVEN! Then left.',
    passages,
  );
  expect(others).toEqual([]);
  expect(quote).toEqual({ passage: passages[0], start: 9, end: 39 });
  expect(quotesIn('two three four five six', passages)).toEqual([]);
});

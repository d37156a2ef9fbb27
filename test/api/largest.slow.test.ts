/** The largest requests and pages that the API allows, against the real worker: D1 takes 100 parameters a statement. */
import OpenAI, { toFile } from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';

const MAX_PAGE = 100;
const MAX_BATCH_FILES = 500;
const MAX_RESULTS = 50;
const MAX_CONDITIONS = 20;
const MAX_LISTED_VALUES = 100;

let service: SharedService;
let client: OpenAI;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

async function times<Made>(count: number, make: (i: number) => Promise<Made>): Promise<Made[]> {
  const made: Made[] = [];
  while (made.length < count) {
    const few = Array.from(
      { length: Math.min(16, count - made.length) },
      (_, i) => made.length + i,
    );
    made.push(...(await Promise.all(few.map(make))));
  }
  return made;
}

test('a full page of stores is listed, and then the rest', async () => {
  for await (const { id } of client.vectorStores.list()) await client.vectorStores.delete(id);
  await times(MAX_PAGE + 1, (i) => client.vectorStores.create({ name: `store ${i}` }));
  const page = await client.vectorStores.list({ limit: MAX_PAGE });
  expect(page.data).toHaveLength(MAX_PAGE);
  expect(page.data[0]!.file_counts.total).toBe(0);
  expect(page.has_more).toBe(true);
  const rest = await client.vectorStores.list({ limit: MAX_PAGE, after: page.data.at(-1)!.id });
  expect(rest.data).toHaveLength(1);
});

test('a batch of the most files is attached, listed, searched and deleted', async () => {
  const ids = await times(MAX_BATCH_FILES, async (i) => {
    const file = await toFile(Buffer.from(`The fruit number ${i} of the orchard.`), `${i}.md`);
    return (await client.files.create({ file, purpose: 'assistants' })).id;
  });
  const { id: store } = await client.vectorStores.create({ name: 'orchard' });
  const files = ids.map((file_id, i) => ({ file_id, attributes: { row: i } }));
  await client.vectorStores.fileBatches.createAndPoll(store, { files } as never);
  const { file_counts } = await client.vectorStores.retrieve(store);
  expect(file_counts).toMatchObject({ completed: MAX_BATCH_FILES, failed: 0 });

  const attached = await client.vectorStores.files.list(store, { limit: MAX_PAGE });
  expect(attached.data).toHaveLength(MAX_PAGE);
  expect((await client.files.list({ limit: MAX_PAGE })).data).toHaveLength(MAX_PAGE);

  const rows = Array.from({ length: MAX_LISTED_VALUES }, (_, i) => i);
  const among = { type: 'in', key: 'row', value: rows };
  const { data } = await client.vectorStores.search(store, {
    query: 'the fruit of the orchard',
    max_num_results: MAX_RESULTS,
    ranking_options: { diversity: 0.5 },
    filters: { type: 'and', filters: new Array(MAX_CONDITIONS - 1).fill(among) },
  } as never);
  expect(data).toHaveLength(MAX_RESULTS);
  for (const { attributes } of data) expect(rows).toContain(attributes!.row);

  await client.vectorStores.delete(store);
  expect((await client.files.retrieve(ids[0]!)).status).toBe('processed');
});

/** What `openai` does around a request: uploads and polls, types its errors, retries, gives up. */
import OpenAI, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  toFile,
} from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { createKey } from '../support/keys.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

const GUIDE = '# Pruning\n\nPears are pruned in late winter, before the buds swell.';
const QUESTION = { role: 'user' as const, content: 'When are pears pruned?' };

let service: SharedService;
let client: OpenAI;
let store: string;

function connect(options: ConstructorParameters<typeof OpenAI>[0]): OpenAI {
  return new OpenAI({ baseURL: `${service.url}/v1`, maxRetries: 0, ...options });
}

beforeAll(async () => {
  service = await sharedService({ demo: false });
  client = connect({ apiKey: 'local' });
  store = (await client.vectorStores.create({ name: 'garden' })).id;
});

async function activeTurns(): Promise<number> {
  const health = await (await fetch(`${service.verifierUrl}/health`)).json();
  return (health as { active: number }).active;
}

test('files: uploaded, listed by page, read back, deleted', async () => {
  const file = await client.files.create({
    file: await toFile(Buffer.from(GUIDE), 'pruning.md'),
    purpose: 'assistants',
  });
  expect(file).toMatchObject({ object: 'file', filename: 'pruning.md', bytes: GUIDE.length });
  expect(await client.files.waitForProcessing(file.id)).toMatchObject({ status: 'processed' });
  const listed = [];
  for await (const one of client.files.list({ limit: 1 })) listed.push(one.id);
  expect(listed).toContain(file.id);
  expect(await (await client.files.content(file.id)).text()).toBe(GUIDE);
  expect(await client.files.delete(file.id)).toMatchObject({ deleted: true });
  await expect(client.files.retrieve(file.id)).rejects.toBeInstanceOf(NotFoundError);
});

test('fileBatches.uploadAndPoll, search, and an answer from what was uploaded', async () => {
  const batch = await client.vectorStores.fileBatches.uploadAndPoll(store, {
    files: [
      await toFile(Buffer.from(GUIDE), 'pruning.md'),
      await toFile(Buffer.from('# Soil\n\nPlums like loam.'), 'soil.md'),
    ],
  });
  expect(batch).toMatchObject({ status: 'completed', file_counts: { completed: 2, total: 2 } });
  const found = await client.vectorStores.search(store, { query: 'when to prune pears' });
  expect(found.data[0]!.filename).toBe('pruning.md');
  expect(found.data[0]!.content[0]!.text).toContain('late winter');
  const completion = await client.chat.completions.create({
    model: service.model,
    messages: [QUESTION],
    ...{ vector_store_ids: [store] },
  });
  expect(completion.choices[0]!.message.content).toContain('late winter');
});

test('errors are the classes that the SDK has for them, with the request’s id', async () => {
  const create = (body: object) =>
    client.chat.completions
      .create({ model: service.model, messages: [QUESTION], ...body } as never)
      .catch((error: unknown) => error);
  const bad = (await create({ temperature: 'warm' })) as BadRequestError;
  expect(bad).toBeInstanceOf(BadRequestError);
  expect(bad.param).toBe('temperature');
  expect(bad.requestID).toMatch(/./);
  expect(await create({ model: 'gpt-x' })).toBeInstanceOf(NotFoundError);
  const stranger = connect({ apiKey: 'esp_not-one-that-was-made' });
  await expect(stranger.models.list()).rejects.toBeInstanceOf(AuthenticationError);
});

test('a request that is too many is tried again when the answer says so', async () => {
  const key = await createKey(service.databases, 'busy', { concurrency: 1 });
  const statuses: number[] = [];
  const patient = connect({
    apiKey: key,
    maxRetries: 8,
    async fetch(url, init) {
      const response = await fetch(url, init);
      statuses.push(response.status);
      return response;
    },
  });
  const answers = await Promise.all(
    Array.from({ length: 3 }, () =>
      patient.chat.completions.create({
        model: service.model,
        messages: [QUESTION],
        max_tokens: 32,
      }),
    ),
  );
  expect(answers.map(({ object }) => object)).toEqual(Array(3).fill('chat.completion'));
  expect(statuses.filter((status) => status === 200)).toHaveLength(3);
  expect(statuses).toContain(429);
});

test('an aborted stream throws nothing at the reader and frees the verifier', async () => {
  const stream = await client.chat.completions.create({
    model: service.model,
    messages: [QUESTION],
    stream: true,
  });
  for await (const _ of stream) stream.controller.abort();
  await expect.poll(activeTurns, { timeout: 5_000 }).toBe(0);
});

test('a request aborted by its signal rejects as such', async () => {
  const controller = new AbortController();
  const waiting = client.chat.completions.create(
    { model: service.model, messages: [QUESTION] },
    { signal: controller.signal },
  );
  controller.abort();
  await expect(waiting).rejects.toBeInstanceOf(APIUserAbortError);
  await expect.poll(activeTurns, { timeout: 5_000 }).toBe(0);
});

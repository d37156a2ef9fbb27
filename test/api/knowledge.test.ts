/** Files, stores and search as OpenAI's own SDK calls them, against the real worker. */
import OpenAI, { toFile } from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { makeDocx, makePdf, makeZip } from '../support/documents.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

let service: SharedService;
let client: OpenAI;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

const GUIDE = `---
title: Orchard guide
---

Trees need light.

## Pruning pears

Prune pear trees in late winter, before the sap rises.

\`\`\`sh
prune --tree pear --month february
\`\`\`

## Watering

Water young trees twice a week.
`;

type Content = string | Uint8Array<ArrayBuffer>;

const upload = async (name: string, content: Content) =>
  client.files.create({ file: await toFile(Buffer.from(content), name), purpose: 'assistants' });

async function storeOf(files: Record<string, Content>) {
  const store = await client.vectorStores.create({ name: 'orchard' });
  const uploads = Object.entries(files).map(([name, text]) => toFile(Buffer.from(text), name));
  const batch = await client.vectorStores.fileBatches.uploadAndPoll(store.id, {
    files: await Promise.all(uploads),
  });
  return { store, batch };
}

async function find(storeId: string, query: string) {
  const page = await client.vectorStores.search(storeId, { query });
  return page.data.map((result) => ({ name: result.filename, text: result.content[0]!.text }));
}

test('a file that is sent on in slices comes back byte for byte, and so does its text', async () => {
  const lines = Array.from({ length: 9_000 }, (_, i) => `The äpple number ${i} 🍏 hangs high.`);
  const text = lines.join('\n\n');
  const { store, batch } = await storeOf({ 'apples.txt': text });
  expect(batch.file_counts).toMatchObject({ completed: 1 });
  const [attached] = (await client.vectorStores.files.list(store.id)).data;
  const original = await client.files.content(attached!.id);
  expect(await original.text()).toBe(text);
  const parsed = await client.vectorStores.files.content(attached!.id, {
    vector_store_id: store.id,
  });
  expect(parsed.data.map((part) => part.text).join('')).toBe(text);
});

test('an uploaded guide is found by what it says, with its place in the file', async () => {
  const { store, batch } = await storeOf({ 'guide.md': GUIDE });
  expect(batch.status).toBe('completed');
  expect(batch.file_counts).toMatchObject({ completed: 1, failed: 0, total: 1 });

  const found = await client.vectorStores.search(store.id, { query: 'when do I prune pears?' });
  const best = found.data[0]!;
  expect(best.filename).toBe('guide.md');
  expect(best.score).toBe(1);
  const place = best.content[0] as unknown as { start: number; end: number };
  expect(best.content[0]).toMatchObject({ title: 'Orchard guide', heading: 'Pruning pears' });
  expect(GUIDE.slice(place.start, place.end)).toBe(best.content[0]!.text);
});

test('every kind of file is read, and one that can’t be fails alone, with the reason', async () => {
  const { store, batch } = await storeOf({
    'a.md': '# Alder\n\nalder',
    'b.txt': 'birch',
    'c.html': '<h1>Cherry</h1><p>cherry</p>',
    'd.docx': makeDocx(['# Dogwood', 'dogwood']),
    'e.pdf': makePdf([[{ text: 'elm', size: 12, y: 700 }]]),
    'f.py': 'def fir():\n    pass\n',
    'g.csv': 'tree\nginkgo\n',
    'h.json': '{"tree":"hazel"}',
    'i.zip': makeZip({ 'ivy.md': '# Ivy\n\nivy', 'j.bin': 'juniper' }),
    'k.exe': 'kauri',
    'l.pdf': 'larch',
  });
  expect(batch.file_counts).toMatchObject({ completed: 9, failed: 2, total: 11 });
  const trees = ['alder', 'birch', 'cherry', 'dogwood', 'elm', 'fir', 'ginkgo', 'hazel', 'ivy'];
  const names = await Promise.all(trees.map(async (tree) => (await find(store.id, tree))[0]!.name));
  expect(names).toEqual([
    ...['a.md', 'b.txt', 'c.html', 'd.docx', 'e.pdf', 'f.py', 'g.csv', 'h.json', 'i.zip'],
  ]);
  expect(await find(store.id, 'juniper kauri larch')).toEqual([]);

  const files = await client.vectorStores.files.list(store.id, { filter: 'failed' });
  const errors = files.data.map((file) => [file.last_error!.code, file.last_error!.message]);
  expect(errors).toContainEqual(['unsupported_file', expect.stringContaining('k.exe')]);
  expect(errors).toContainEqual(['invalid_file', 'the file is not a readable PDF']);
});

test('the same content gives the same passages, once', async () => {
  const { store } = await storeOf({ 'guide.md': GUIDE });
  const again = await upload('guide.md', GUIDE);
  await client.vectorStores.files.createAndPoll(store.id, { file_id: again.id });
  await client.vectorStores.files.createAndPoll(store.id, { file_id: again.id });
  expect((await client.vectorStores.files.list(store.id)).data).toHaveLength(2);
  expect(await find(store.id, 'prune pears in late winter')).toHaveLength(1);
});

test('deleting a file deletes its passages everywhere, and nobody else’s', async () => {
  const { store } = await storeOf({ 'guide.md': GUIDE, 'other.md': '# Pears\n\nPears are sweet.' });
  const twin = await storeOf({ 'guide.md': GUIDE });
  const files = await client.vectorStores.files.list(store.id);
  const details = await Promise.all(files.data.map((file) => client.files.retrieve(file.id)));
  const guide = details.find((file) => file.filename === 'guide.md')!;

  expect(await client.files.delete(guide.id)).toMatchObject({ id: guide.id, deleted: true });
  expect(await find(store.id, 'pears')).toEqual([{ name: 'other.md', text: 'Pears are sweet.' }]);
  expect(await find(twin.store.id, 'pears in winter')).toHaveLength(1);
  await expect(client.files.retrieve(guide.id)).rejects.toMatchObject({ status: 404 });
  await expect(client.files.content(guide.id)).rejects.toMatchObject({ status: 404 });

  await client.vectorStores.delete(store.id);
  await expect(find(store.id, 'pears')).rejects.toMatchObject({ status: 404 });
  expect(await find(twin.store.id, 'pears in winter')).toHaveLength(1);
});

test('requests are answered while files are ingested', async () => {
  const store = await client.vectorStores.create({ name: 'busy' });
  // So many at once may be refused with 503 for a moment: the SDK asks again by itself.
  const patient = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 5 });
  const uploads = Array.from({ length: 120 }, async (_, i) => {
    const file = await toFile(Buffer.from(`# Tree ${i}\n\nleaf ${i}`), `tree-${i}.md`);
    return patient.files.create({ file, purpose: 'assistants' });
  });
  const ids = (await Promise.all(uploads)).map(({ id }) => id);
  const batch = await client.vectorStores.fileBatches.create(store.id, { file_ids: ids });
  const where = { vector_store_id: store.id };
  // Each answer must come while files are left, not when the last one is done.
  const left: number[] = [];
  do {
    const { file_counts } = await client.vectorStores.fileBatches.retrieve(batch.id, where);
    left.push(file_counts.in_progress);
  } while (left[left.length - 1]! > 0);
  expect(new Set(left).size).toBeGreaterThan(5);
});

test('detaching a file leaves the file', async () => {
  const { store } = await storeOf({ 'guide.md': GUIDE });
  const [attached] = (await client.vectorStores.files.list(store.id)).data;
  await client.vectorStores.files.delete(attached!.id, { vector_store_id: store.id });
  expect(await find(store.id, 'pears')).toEqual([]);
  expect((await client.files.retrieve(attached!.id)).filename).toBe('guide.md');
});

test('an original comes back byte for byte, its text as it was read', async () => {
  const docx = makeDocx(['# Pruning', 'In late winter.']);
  const { store } = await storeOf({ 'guide ü.docx': docx });
  const [attached] = (await client.vectorStores.files.list(store.id)).data;
  const original = await client.files.content(attached!.id);
  expect(original.headers.get('content-disposition')).toContain('guide%20%C3%BC.docx');
  expect(new Uint8Array(await original.arrayBuffer())).toEqual(docx);
  const text = await client.vectorStores.files.content(attached!.id, { vector_store_id: store.id });
  expect(text.data).toEqual([{ type: 'text', text: '# Pruning\n\nIn late winter.' }]);
});

test('lists go on from where they stopped, both ways', async () => {
  const made: string[] = [];
  for (let i = 0; i < 5; i++) made.push((await upload(`page-${i}.txt`, 'x')).id);
  const listed: string[] = [];
  for await (const file of client.files.list({ limit: 2, purpose: 'assistants' })) {
    if (made.includes(file.id)) listed.push(file.id);
  }
  expect([...listed].sort()).toEqual([...made].sort());
  const oldest = await client.files.list({ order: 'asc', limit: 1 });
  expect(oldest.has_more).toBe(true);
});

test('a store keeps what it was given about itself', async () => {
  const store = await client.vectorStores.create({
    name: 'orchard',
    metadata: { owner: 'ann' },
    expires_after: { anchor: 'last_active_at', days: 3 },
  });
  expect(store).toMatchObject({ object: 'vector_store', status: 'completed', usage_bytes: 0 });
  expect(store.expires_at).toBe(store.last_active_at! + 3 * 86_400);
  const updated = await client.vectorStores.update(store.id, { name: 'garden', metadata: null });
  expect(updated).toMatchObject({ name: 'garden', metadata: null, expires_after: { days: 3 } });
  expect((await client.vectorStores.retrieve(store.id)).name).toBe('garden');
});

test('a cutting that is wrong or of no file is refused, and leaves no store behind', async () => {
  const file = await upload('guide.md', GUIDE);
  const cutting = (overlap: number) => ({
    type: 'static' as const,
    static: { max_chunk_size_tokens: 100, chunk_overlap_tokens: overlap },
  });
  const refused = [
    { name: 'left', file_ids: [file.id], chunking_strategy: cutting(60) },
    { name: 'left', chunking_strategy: cutting(10) },
  ];
  for (const body of refused) {
    await expect(client.vectorStores.create(body)).rejects.toMatchObject({
      status: 400,
      param: expect.stringMatching(/^chunking_strategy/),
    });
  }
  const names = (await client.vectorStores.list({ limit: 100 })).data.map(({ name }) => name);
  expect(names).not.toContain('left');
});

test('a file’s attributes and cutting are kept', async () => {
  const store = await client.vectorStores.create({ name: 'orchard' });
  const file = await upload('guide.md', GUIDE);
  await client.vectorStores.files.createAndPoll(store.id, {
    file_id: file.id,
    attributes: { year: 2026, fruit: 'pear' },
    chunking_strategy: {
      type: 'static',
      static: { max_chunk_size_tokens: 100, chunk_overlap_tokens: 10 },
    },
  });
  const attached = await client.vectorStores.files.retrieve(file.id, { vector_store_id: store.id });
  expect(attached).toMatchObject({
    status: 'completed',
    attributes: { year: 2026, fruit: 'pear' },
    chunking_strategy: { static: { max_chunk_size_tokens: 100, chunk_overlap_tokens: 10 } },
  });
});

test.each([
  '"',
  "'",
  '*',
  'a AND',
  'NEAR(a b',
  'title:x',
  '-',
  '(((',
  '\0',
  'a\u202eb',
  "'; DROP TABLE chunks;--",
  '漢字',
  '🍐',
  ' ',
  `${'pear '.repeat(800)}`,
])('any text can be searched for: %j', async (query) => {
  const { data } = await client.vectorStores.list({ limit: 1 });
  await expect(client.vectorStores.search(data[0]!.id, { query })).resolves.toBeDefined();
});

test('a field of an upload that is not known is refused by name', async () => {
  const refused = await client.files
    .create({
      file: await toFile(Buffer.from(GUIDE), 'guide.md'),
      purpose: 'assistants',
      expires_after: { anchor: 'created_at', seconds: 3600 },
    })
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({
    status: 400,
    param: 'expires_after[anchor]',
    message: expect.stringContaining('is not supported: leave it out'),
  });
  const unnamed = new FormData();
  unnamed.set('purpose', 'assistants');
  unnamed.set('file', 'only text');
  const response = await fetch(`${service.url}/v1/files`, { method: 'POST', body: unnamed });
  expect(await response.json()).toMatchObject({ error: { param: 'file' } });
});
